"""Real servers that are killed at random while events are sent: afterwards each acknowledged event counts once."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.audit.model import Model, Told
from tests.audit.shop import INTERVALS
from tests.audit.test_audit_days import audit
from tests.cassandra_nodes import CassandraNodes, started
from tests.every_report import Dashboard
from tests.recount.days import DAY, date_of
from tests.server_process import ServerProcess, start_process

KILLS: Final = 30
LANES: Final = 4
NODE_KILLS: Final = 3
_CALL_TIMEOUT_S: Final = 10
_DAY_S: Final = 86_400

pytestmark = pytest.mark.large


@pytest.fixture
def mortal_cassandra(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CassandraNodes]:
    """A node to be killed, which acknowledges what is on disk."""
    nodes = started(CassandraNodes(tmp_path / "cassandra"), request)
    yield nodes
    nodes.stop()


@dataclass(slots=True)
class Fleet:
    """Servers on one store, started again when they are killed."""

    store: str
    folder: Path
    servers: list[ServerProcess] = field(default_factory=list)
    channels: list[grpc.aio.Channel] = field(default_factory=list)
    _starts: "itertools.count[int]" = field(default_factory=itertools.count)

    async def start(self, number: int) -> None:
        """Start a server."""
        server = await start_process(self.store, self.folder / f"server-{next(self._starts)}.log")
        channel = grpc.aio.insecure_channel(server.address)
        if number < len(self.servers):
            await self.channels[number].close()
            self.servers[number], self.channels[number] = server, channel
        else:
            self.servers.append(server)
            self.channels.append(channel)

    async def kill(self, number: int) -> None:
        """End a server as a power cut would, and start another in its place."""
        await self.servers[number].kill()
        await self.start(number)

    async def stop(self) -> None:
        """Stop all servers."""
        for server, channel in zip(self.servers, self.channels, strict=True):
            await channel.close()
            await server.stop()


@dataclass(slots=True)
class Load:
    """Senders that send each request until it is answered, to whichever server."""

    fleet: Fleet
    model: Model
    random: Random
    first_s: int
    is_over: bool = False
    answered: int = 0

    async def lane(self) -> None:
        """Send one request after the other."""
        while not self.is_over:
            await self._send([self._event() for _ in range(self.random.randint(1, 20))])

    async def _send(self, events: Sequence[Event]) -> None:
        resent = False
        while True:
            channel = self.random.choice(self.fleet.channels)
            request = IngestEventsRequest(app=self.model.app.app, events=events, resent=resent)
            try:
                await IngestServiceStub(channel).IngestEvents(request, timeout=_CALL_TIMEOUT_S)
            except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.CancelledError):
                # A call whose channel is closed beneath it is cancelled; nobody cancels a lane.
                # Senders forget the flag at times.
                resent = self.random.random() < 0.7
                await asyncio.sleep(0.05)
            else:
                self.model.acknowledge(events)
                self.answered += 1
                return

    def _event(self) -> Event:
        draw = self.random.randrange
        event = Told(draw(40), draw(400), True, draw(60), draw(6), draw(5), draw(-1, 4)).event()  # noqa: FBT003 - today.
        event.timestamp.seconds = self.first_s + draw(2 * _DAY_S)
        return event


async def wrong_after_kills(
    fleet: Fleet, app: str, servers: int, disturb: Callable[[int], Awaitable[None]] | None = None
) -> list[str]:
    """Send while servers are killed, KILLS times; then say in what any report of audited days is wrong."""
    seed = SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails.
    random = Random(seed)
    for number in range(servers):
        await fleet.start(number)
    settings = App(app=app, time_zone="UTC", shard_count=4)
    await AdminServiceStub(fleet.channels[0]).CreateApp(CreateAppRequest(app=settings))
    last_s = int(time.time()) // _DAY_S * _DAY_S
    load = Load(fleet, Model(settings), random, last_s - 2 * _DAY_S)
    lanes = [asyncio.create_task(load.lane()) for _ in range(LANES)]
    for kill in range(KILLS):
        await asyncio.sleep(random.random())
        if disturb is not None:
            await disturb(kill)
        await fleet.kill(random.randrange(servers))
    load.is_over = True
    await asyncio.gather(*lanes)
    first, last = date_of(load.first_s, "UTC"), date_of(last_s, "UTC") - DAY
    days = await audit(fleet.channels[-1], app, first.isoformat(), last.isoformat())
    found = [
        f"{day.date}: {day.events} events, audited {day.audited}"
        for day, date in zip(days, (first, last), strict=True)
        if (day.events, day.audited) != (load.model.events_of(date), True)
    ]
    assert load.answered > KILLS
    dashboard = Dashboard(fleet.channels[0], load.model.counted(), settings, first, last)
    return found + await dashboard.differences(INTERVALS)


async def test_a_server_on_a_file_is_killed(tmp_path: Path) -> None:
    """Thirty times."""
    fleet = Fleet(f"sqlite:{tmp_path / 'events.db'}", tmp_path)
    try:
        assert [] == await wrong_after_kills(fleet, "shop", 1)
    finally:
        await fleet.stop()


async def test_two_servers_on_a_node_and_the_node_are_killed(tmp_path: Path, mortal_cassandra: CassandraNodes) -> None:
    """Thirty times one of the servers, three times the node."""
    fleet = Fleet(mortal_cassandra.address("crashes"), tmp_path)

    async def kill_node(kill: int) -> None:
        if kill % (KILLS // NODE_KILLS) == 5:
            mortal_cassandra.kill()
            await asyncio.to_thread(mortal_cassandra.start)

    try:
        assert [] == await wrong_after_kills(fleet, "shop", 2, kill_node)
    finally:
        await fleet.stop()
