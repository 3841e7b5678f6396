"""A server's life: what it is wired from, how it starts, and how it stops without losing anything."""

import asyncio
import contextlib
import gc
import logging
import signal
import time
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
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
from eventmanager.committer import Committer
from eventmanager.config import SQLITE_IN_MEMORY, Config
from eventmanager.errors import StartError
from eventmanager.ingestion import Ingestion
from eventmanager.memory import Memory
from eventmanager.platforms import PlatformReader
from eventmanager.retention import RetentionSweep
from eventmanager.services.admin import AdminServicer
from eventmanager.services.analytics import AnalyticsServicer
from eventmanager.services.event_stream import OpenStreams
from eventmanager.services.ingest import SERVICE as INGEST_SERVICE
from eventmanager.services.ingest import IngestServicer
from eventmanager.services.statuses import StatusInterceptor
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Store
from eventmanager.validation import Validator
from eventmanager.zones import Zone

SERVICES: Final = (
    INGEST_SERVICE,
    analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"].full_name,
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"].full_name,
)
_KEEPALIVE_MS: Final = 30_000
_LEAST_PING_INTERVAL_MS: Final = 10_000
_COLLECT_AFTER_OBJECTS: Final = 100_000
_WHOLE_SERVER: Final = ""
"""The name under which health checks ask for all services at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs."""

    address: str
    """Where it listens, as HOST:PORT."""
    _grpc_server: grpc.aio.Server
    _health: health.aio.HealthServicer
    _streams: OpenStreams
    _committer: Committer
    _store: Store
    _auditor: Auditor
    _background: Sequence[asyncio.Task[None]]
    """The retention sweep and the audit."""

    async def stop(self, grace_s: float) -> None:
        """Take no more, answer what is in hand within the time of grace, and let go of everything."""
        await self._health.enter_graceful_shutdown()
        for task in self._background:
            task.cancel()
        self._streams.end_all()
        # Refuses new calls at once and waits for those under way; the streams among them have just been told to end.
        await self._grpc_server.stop(grace_s)
        await self._committer.close()
        for task in self._background:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._auditor.close()
        await self._store.close()


async def start(config: Config, now: Callable[[], float] = time.time) -> Server:
    """Start a server. Raises StartError where the store or the address cannot be had."""
    zoneinfo.reset_tzpath(())  # The pinned zones of the tzdata package, not the machine's.
    store = await open_store(config.store, migrate=config.migrate)
    try:
        return await _start(config, store, now)
    except BaseException:
        await store.close()
        raise


async def _start(config: Config, store: Store, now: Callable[[], float]) -> Server:
    new_app_zone = Zone(config.new_app_time_zone) if config.new_apps_allowed else None
    directory = AppDirectory(store, now=now, new_app_zone=new_app_zone)
    memory = Memory(config.remembered_ids)
    counting = CountingHere(store) if config.store == SQLITE_IN_MEMORY else CountingInWorker(config.store)
    auditor = Auditor(store, directory, counting, now)
    committer = Committer(store, memory, config.max_waiting_events, auditor.note)
    validator = Validator(PlatformReader(), config.max_clock_skew_s)
    ingestion = Ingestion(committer, validator, memory, config.max_events, now)
    streams = OpenStreams()

    server = grpc.aio.server(
        interceptors=[StatusInterceptor()],
        options=[
            ("grpc.max_receive_message_length", config.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # Otherwise a second server on the same address would start, and take half of the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
        ],
    )
    ingest = IngestServicer(directory, ingestion, committer, streams, config)
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
    for service in (_WHOLE_SERVER, *SERVICES):
        await health_servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    background = [asyncio.create_task(work) for work in (RetentionSweep(store, directory, now).run(), auditor.run())]
    return Server(
        address=str(config.address._replace(port=port)),
        _grpc_server=server,
        _health=health_servicer,
        _streams=streams,
        _committer=committer,
        _store=store,
        _auditor=auditor,
        _background=background,
    )


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then stop as `Server.stop` does. Raises StartError."""
    server = await start(config)
    # Events in hand are many small tuples without cycles. By default the collector looks through them every 700 and
    # doubles what an event costs; what is there by now stays for good, and it need not look through that either.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stopped.set)
    _log.info("Listening on %s, storing in %s.", server.address, config.store)
    await stopped.wait()
    _log.info("Stopping: what is in hand is stored and answered first.")
    await server.stop(config.grace_s)
    _log.info("Stopped.")
