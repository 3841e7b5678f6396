"""Real servers that are killed at random while events are sent: afterwards each acknowledged event counts once."""

import asyncio
import itertools
import os
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
_LONGEST_S: Final = 900
_OF_CRASHES: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""What senders may be told while servers die; all else is a fault of the servers."""
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
    kills: int = 0
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
        self.kills += 1
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
    sent_again: int = 0
    audited: int = 0

    async def lane(self) -> None:
        """Send one request after the other."""
        while not self.is_over:
            await self._send([self._event() for _ in range(self.random.randint(1, 20))])

    async def audit(self) -> None:
        """Have the days counted again all the time, by whichever server, though it be killed meanwhile."""
        first, last = (date_of(self.first_s + days * _DAY_S, "UTC").isoformat() for days in (0, 1))
        while not self.is_over:
            try:
                self.audited += len(
                    await audit(self.random.choice(self.fleet.channels), self.model.app.app, first, last)
                )
            except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.CancelledError) as error:
                _raise_unless_of_crash(error)
            await asyncio.sleep(0.5)

    async def _send(self, events: Sequence[Event]) -> None:
        resent = False
        while True:
            channel = self.random.choice(self.fleet.channels)
            request = IngestEventsRequest(app=self.model.app.app, events=events, resent=resent)
            try:
                outcome = (await IngestServiceStub(channel).IngestEvents(request, timeout=_CALL_TIMEOUT_S)).outcome
            except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.CancelledError) as error:
                _raise_unless_of_crash(error)
                self.sent_again += 1
                # Senders forget the flag at times.
                resent = self.random.random() < 0.7
                await asyncio.sleep(0.05)
            else:
                assert len(events) == outcome.stored_count + len(outcome.duplicate_indexes), outcome
                self.model.acknowledge(events)
                self.answered += 1
                return

    def _event(self) -> Event:
        draw = self.random.randrange
        event = Told(draw(40), draw(400), True, draw(60), draw(6), draw(5), draw(-1, 4)).event()  # noqa: FBT003 - today.
        event.timestamp.seconds = self.first_s + draw(2 * _DAY_S)
        return event


def _raise_unless_of_crash(error: BaseException) -> None:
    """Raise what no crash explains. A call whose channel is closed beneath it is cancelled; nobody cancels a lane."""
    if isinstance(error, grpc.aio.AioRpcError) and error.code() not in _OF_CRASHES:
        raise error


async def wrong_after_kills(
    fleet: Fleet, servers: int, disturb: Callable[[int, Random], Awaitable[None]] | None = None
) -> list[str]:
    """Send and count again while servers are killed, KILLS times or more; then say in what any report is wrong."""
    seed = int(os.environ.get("EVENTMANAGER_TEST_SEED", SystemRandom().randrange(2**32)))
    print(f"seed: EVENTMANAGER_TEST_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails.
    random = Random(seed)
    for number in range(servers):
        await fleet.start(number)
    settings = App(app="shop", time_zone="UTC", shard_count=4)
    await AdminServiceStub(fleet.channels[0]).CreateApp(CreateAppRequest(app=settings))
    last_s = int(time.time()) // _DAY_S * _DAY_S
    load = Load(fleet, Model(settings), random, last_s - 2 * _DAY_S)
    async with asyncio.timeout(_LONGEST_S), asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(load.lane())
        lanes.create_task(load.audit())
        try:
            for kill in range(KILLS):
                await asyncio.sleep(random.random())
                if disturb is not None:
                    await disturb(kill, random)
                await fleet.kill(random.randrange(servers))
        finally:
            load.is_over = True
    first, last = date_of(load.first_s, "UTC"), date_of(last_s, "UTC") - DAY
    days = await audit(fleet.channels[-1], "shop", first.isoformat(), last.isoformat())
    found = [
        f"{day.date}: {day.events} events, audited {day.audited}"
        for day, date in zip(days, (first, last), strict=True)
        if (day.events, day.audited) != (load.model.events_of(date), True)
    ]
    print(  # noqa: T201 - for whoever watches.
        f"{fleet.kills} kills, {load.answered} requests answered, {load.sent_again} times sent again, "
        f"{len(load.model.copies)} events acknowledged, {load.audited} days counted again meanwhile; in the end "
        f"{sum(day.duplicate_events for day in days)} copies in the log and "
        f"{sum(day.differing_figures for day in days)} live figures that differed."
    )

    assert fleet.kills >= KILLS
    assert load.answered > KILLS
    assert load.sent_again
    dashboard = Dashboard(fleet.channels[0], load.model.counted(), settings, first, last)
    return found + await dashboard.differences(INTERVALS)


async def test_a_server_on_a_file(tmp_path: Path) -> None:
    """Thirty times."""
    fleet = Fleet(f"sqlite:{tmp_path / 'events.db'}", tmp_path)
    try:
        assert [] == await wrong_after_kills(fleet, 1)
    finally:
        await fleet.stop()


async def test_two_servers_on_a_node_and_the_node_are_killed(tmp_path: Path, mortal_cassandra: CassandraNodes) -> None:
    """Thirty times one of the servers; three times the node, and then a server while it is away."""
    fleet = Fleet(mortal_cassandra.address("crashes"), tmp_path)
    node_kills = 0

    async def kill_node(kill: int, random: Random) -> None:
        nonlocal node_kills
        if kill % (KILLS // NODE_KILLS) == 5:
            mortal_cassandra.kill()
            node_kills += 1
            await asyncio.gather(asyncio.to_thread(mortal_cassandra.start), fleet.kill(random.randrange(2)))

    try:
        assert [] == await wrong_after_kills(fleet, 2, kill_node)
    finally:
        await fleet.stop()
    assert NODE_KILLS == node_kills
