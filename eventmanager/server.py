"""A server's life: what it is wired from, how it starts, and how it stops without losing anything."""

import asyncio
import logging
import signal
import time
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from live.eventmanager.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    analytics_service_pb2,
    analytics_service_pb2_grpc,
)

from eventmanager.app_directory import AppDirectory
from eventmanager.audit.auditor import Auditor
from eventmanager.audit.counting import CountingHere, CountingInWorker
from eventmanager.audit.desks import Desks
from eventmanager.audit.pace import IngestLoad
from eventmanager.committer import Committer
from eventmanager.config import SQLITE_IN_MEMORY, Config
from eventmanager.errors import StartError
from eventmanager.garbage import GarbageCollection
from eventmanager.ingestion import Ingestion
from eventmanager.memory import Memory
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.beside import PreparingBeside
from eventmanager.preparation.preparer import Preparer
from eventmanager.preparation.validation import Validator
from eventmanager.retention import RetentionSweep
from eventmanager.services.admin import AdminServicer
from eventmanager.services.analytics import AnalyticsServicer
from eventmanager.services.event_stream import OpenStreams
from eventmanager.services.ingest import SERVICE as INGEST_SERVICE
from eventmanager.services.ingest import IngestServicer
from eventmanager.services.statuses import StatusInterceptor
from eventmanager.services.store_health import StoreHealth
from eventmanager.services.watches import Watches
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Store
from eventmanager.zones import Zone

SERVICES: Final = (
    INGEST_SERVICE,
    analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"].full_name,
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"].full_name,
)
_KEEPALIVE_MS: Final = 30_000
_LEAST_PING_INTERVAL_MS: Final = 10_000
_LAST_WORDS_S: Final = 0.2
"""Time for the last answers to reach their senders. A connection that closes while its sender still writes is reset,
and what was on its way back is lost.
"""
_MOST_FRAME_BYTES: Final = 1 << 20
"""Most of a message that may come in one piece. By 16 KiB, gRPC's own bound, 1,000 events come in fifteen."""
_WHOLE_SERVER: Final = ""
"""The name under which health checks ask for all services at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs."""

    address: str
    """Where it listens, as HOST:PORT."""
    garbage: GarbageCollection
    """For a process that is nothing but this server."""
    _grpc_server: grpc.aio.Server
    _health: health.aio.HealthServicer
    _watches: Watches
    _streams: OpenStreams
    _ingestion: Ingestion
    _store: Store
    _auditor: Auditor
    _chores: Sequence[asyncio.Task[None]]
    """What it does by itself, until it stops."""

    async def stop(self, grace_s: float) -> None:
        """Take no more, answer what is in hand within the time of grace, and let go of everything."""
        loop = asyncio.get_running_loop()
        end_of_grace = loop.time() + grace_s
        await self._health.enter_graceful_shutdown()
        for chore in self._chores:
            chore.cancel()
        answering = asyncio.create_task(self._answer_all())
        await asyncio.wait((answering,), timeout=grace_s)
        await self._grpc_server.stop(max(0, end_of_grace - loop.time()))
        await answering
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self._auditor.close()
        await self._store.close()

    async def _answer_all(self) -> None:
        """Refuse new events, answer those in hand, and end the streams while there is a connection to say it over."""
        is_busy = self._streams.is_any_open or self._ingestion.is_busy
        self._watches.end_all()
        self._streams.end_all()
        await self._ingestion.close()
        await self._streams.wait_for_none()
        if is_busy:
            await asyncio.sleep(_LAST_WORDS_S)


async def start(config: Config, now: Callable[[], float] = time.time, *, shares_port: bool = False) -> Server:
    """Start a server, on a port of its own or on one that its like share.

    Raises StartError where the store or the address cannot be had.
    """
    zoneinfo.reset_tzpath(())  # The pinned zones of the tzdata package, not the machine's.
    store = await open_store(config.store, migrate=config.migrate, now=now)
    try:
        return await _start(config, store, now, shares_port=shares_port)
    except BaseException:
        await store.close()
        raise


async def _start(config: Config, store: Store, now: Callable[[], float], *, shares_port: bool) -> Server:
    new_app_zone = Zone(config.new_app_time_zone) if config.new_apps_allowed else None
    directory = AppDirectory(store, now=now, new_app_zone=new_app_zone)
    memory = Memory(config.remembered_ids)
    load = IngestLoad()
    in_memory = config.store == SQLITE_IN_MEMORY
    desks = Desks(lambda nice: CountingHere(store) if in_memory else CountingInWorker(config.store, nice), load)
    auditor = Auditor(store, directory, desks, now)
    committer = Committer(store, memory, config.max_waiting_events, auditor.note, load.note)
    platforms = PlatformReader()
    preparer = Preparer(Validator(platforms, config.max_clock_skew_s), config.max_events)
    beside = None
    if config.prepares_beside:
        beside = PreparingBeside(preparer, platforms, config.max_events, config.max_clock_skew_s)
    ingestion = Ingestion(committer, preparer, beside, memory, now)
    streams = OpenStreams()
    watches = Watches()
    garbage = GarbageCollection(lambda: ingestion.is_busy)

    server = grpc.aio.server(
        interceptors=[StatusInterceptor(watches, garbage.note_call)],
        options=[
            ("grpc.max_receive_message_length", config.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.http2.max_frame_size", _MOST_FRAME_BYTES),
            # Otherwise a second server on the same address would start, and take half of the calls.
            ("grpc.so_reuseport", int(shares_port)),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
        ],
    )
    ingest = IngestServicer(directory, ingestion, streams, config)
    server.add_generic_rpc_handlers((ingest.handlers(),))
    analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server(AnalyticsServicer(directory, store, now), server)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(AdminServicer(directory, store, auditor), server)
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        port = server.add_insecure_port(str(config.address))
    except RuntimeError:
        raise StartError(
            f"Cannot listen on {config.listen}: another program listens there, or the address is not this machine's. "
            "Choose another with --listen."
        ) from None
    await server.start()
    store_health = StoreHealth(store, health_servicer, (_WHOLE_SERVER, *SERVICES))
    await store_health.look()
    chores = [
        asyncio.create_task(store_health.run()),
        asyncio.create_task(RetentionSweep(store, directory, now).run()),
        asyncio.create_task(auditor.run()),
        asyncio.create_task(garbage.run()),
    ]
    return Server(
        address=str(config.address._replace(port=port)),
        garbage=garbage,
        _grpc_server=server,
        _health=health_servicer,
        _watches=watches,
        _streams=streams,
        _ingestion=ingestion,
        _store=store,
        _auditor=auditor,
        _chores=chores,
    )


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then stop as `Server.stop` does. Raises StartError."""
    server = await start(config)
    stopped = stop_on_signals()
    _log.info("Listening on %s, storing in %s.", server.address, config.store)
    await run(server, config.grace_s, stopped)
    _log.info("Stopped.")


def stop_on_signals() -> asyncio.Event:
    """Have SIGTERM and SIGINT set an event from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    return stopped


async def run(server: Server, grace_s: float, stopped: asyncio.Event) -> None:
    """Have the process be nothing but a server until `stopped` is set; then stop it."""
    server.garbage.take_over()
    await stopped.wait()
    _log.info("Stopping: what is in hand is stored and answered first.")
    await server.stop(grace_s)
