"""A day whose log has begun to go is never counted again: what was kept of it stays, and nobody calls it audited."""

import asyncio
import datetime
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import AuditDaysResponse

from eventmanager.app_directory import AppDirectory
from eventmanager.audit import auditor
from eventmanager.audit.auditor import Auditor, DayAudit
from eventmanager.audit.cells import DayCount
from eventmanager.audit.counting import CountingHere
from eventmanager.audit.desks import Desks
from eventmanager.audit.due_days import QUIET_S
from eventmanager.audit.pace import IngestLoad
from eventmanager.audit.recount import Caller
from eventmanager.blocks import Day
from eventmanager.config import Config
from eventmanager.server import start
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Recount
from tests.audit.expiring_logs import ExpiringLog, LogOnCassandra, LogOnFile
from tests.audit.test_audit_days import audit, is_audited
from tests.conftest import Clock, StartServer
from tests.reports.visits import entered, make_app, send

DATE = datetime.date(2026, 6, 17)
TODAY = DATE.isoformat()
RETENTION_DAYS = 1
TIME_IS_OVER_S = (RETENTION_DAYS + 1) * 86_400
_numbers = count()


@pytest.fixture(params=["file", "cassandra"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ExpiringLog]:
    """A store whose log goes."""
    if request.param == "file":
        yield LogOnFile(tmp_path / "events.db")
    else:
        yield LogOnCassandra(request.getfixturevalue("cassandra").address("retention"))


async def filled(channel: grpc.aio.Channel) -> Day:
    """Make an app with two blocks in one day, the first of them audited."""
    day = Day(f"shop-{next(_numbers)}", DATE)
    await make_app(channel, day.app, retention_days=RETENTION_DAYS)
    await send(channel, day.app, [entered("u1", 1)])
    await audit(channel, day.app)
    await send(channel, day.app, [entered("u2", 1)])
    return day


async def test_it_is_neither_counted_on_request_nor_by_itself(
    start_server: StartServer, clock: Clock, log: ExpiringLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it was due: an event has come since it was counted."""
    monkeypatch.setattr(auditor, "TURN_S", 0.02)
    server = await start_server(log.address)
    async with grpc.aio.insecure_channel(server.address) as channel:
        day = await filled(channel)
        kept = log.cells(day)
        blocks = log.block_count(day)
        # First the clock: by itself the day would be counted as soon as it is closed.
        clock.time_s += TIME_IS_OVER_S + QUIET_S
        await asyncio.to_thread(log.lose_a_block, day)
        await asyncio.sleep(0.2)

        assert [AuditDaysResponse(date=TODAY)] == await audit(channel, day.app, TODAY, TODAY)
        assert not await is_audited(channel, day.app, TODAY, TODAY)
        assert (2, 1) == (blocks, log.block_count(day))
        assert kept
        assert kept == log.cells(day)


class CountingUntilTooLate:
    """Counts, and hands over once the day's time is over and its log has begun to go."""

    def __init__(self, counting: CountingHere, clock: Clock, log: ExpiringLog) -> None:
        self._counting = counting
        self._clock = clock
        self._log = log
        self.cells: list[str] = []

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        async def take_late(cell: Recount) -> None:
            if not self.cells:
                self._clock.time_s += TIME_IS_OVER_S
                await asyncio.to_thread(self._log.lose_a_block, day)
            self.cells.append(cell.report)
            await caller.take(cell)

        return await self._counting.count(day, shard_count, Caller(take_late, caller.leave))

    async def close(self) -> None:
        """Hold nothing."""


async def test_a_recount_that_takes_too_long_is_not_kept(clock: Clock, log: ExpiringLog) -> None:
    """It may have met a part of the log only: what was kept before stays as it is."""
    server = await start(Config(listen="127.0.0.1:0", store=log.address), clock)
    async with grpc.aio.insecure_channel(server.address) as channel:
        day = await filled(channel)
    await server.stop(1)
    kept = log.cells(day)
    store = await open_store(log.address, now=clock)
    directory = AppDirectory(store, now=clock, new_app_zone=None)
    counting = CountingUntilTooLate(CountingHere(store), clock, log)
    desks = Desks(lambda _: counting, IngestLoad())

    found = await Auditor(store, directory, desks, clock).audit(await directory.app(day.app), DATE)
    await store.close()

    assert DayAudit(2, 0, 0, audited=False) == found
    assert kept.keys() == set(counting.cells)
    assert kept == log.cells(day)
