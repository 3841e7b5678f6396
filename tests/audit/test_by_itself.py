"""Closed days are counted again without being asked for."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import pytest
from live.eventmanager.v1.analytics_service_pb2 import DateRange, QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.app_directory import AppDirectory
from eventmanager.audit import auditor
from eventmanager.audit.auditor import AuditCounters, Auditor
from eventmanager.audit.cells import DAY, DayCount
from eventmanager.audit.counting import CountingHere, CountingInWorker
from eventmanager.audit.desks import Desks
from eventmanager.audit.due_days import QUIET_S
from eventmanager.audit.pace import IngestLoad
from eventmanager.audit.recount import Caller
from eventmanager.blocks import Day
from eventmanager.config import Config
from eventmanager.errors import StoreUnavailableError
from eventmanager.server import Server, start
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Recount
from tests.conftest import Clock, StartServer
from tests.reports.visits import entered, make_app, send

TODAY = "2026-06-17"
TWELVE_HOURS_S = 12 * 3_600


@pytest.fixture(autouse=True)
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers look for due days all the time."""
    monkeypatch.setattr(auditor, "TURN_S", 0.02)


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    """Connect to a server."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel


async def is_audited(channel: grpc.aio.Channel, app: str = "shop") -> bool:
    """Ask a report of the day how far it can be relied on."""
    request = QueryTrafficRequest(app=app, date_range=DateRange(end_date=TODAY))
    return (await AnalyticsServiceStub(channel).QueryTraffic(request)).info.audited


async def until_audited(channel: grpc.aio.Channel, app: str = "shop") -> None:
    """Return when a report of the day says so."""
    async with asyncio.timeout(30):
        while not await is_audited(channel, app):  # noqa: ASYNC110 - nothing tells.
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("store", ["memory", "file"])
async def test_a_day_is_audited_soon_after_it_closes(
    start_server: StartServer, database: str, clock: Clock, store: str
) -> None:
    """At midnight where the app is, after two quiet minutes; and again when something came late."""
    server = await (start_server() if store == "memory" else start_server(database))
    async with connected(server) as channel:
        await make_app(channel, "shop", time_zone="Europe/Vienna")
        await send(channel, "shop", [entered("u1", 1)])
        clock.time_s += TWELVE_HOURS_S - 2 * 3_600 - 1  # A second before midnight in Vienna.
        await asyncio.sleep(0.2)
        before = await is_audited(channel)
        clock.time_s += QUIET_S + 1
        await until_audited(channel)
        await send(channel, "shop", [entered("u2", 1)])
        after = await is_audited(channel)
        clock.time_s += QUIET_S + 1
        await until_audited(channel)

    assert (False, False) == (before, after)


async def test_a_server_finds_what_another_left(start_server: StartServer, database: str, clock: Clock) -> None:
    """One that ended before it counted a day."""
    first = await start(Config(listen="127.0.0.1:0", store=database), clock)
    async with connected(first) as channel:
        await send(channel, "shop", [entered("u1", 1)])
    await first.stop(1)
    clock.time_s += TWELVE_HOURS_S
    second = await start_server(database)
    async with connected(second) as channel:
        await asyncio.sleep(0.1)
        before = await is_audited(channel)
        clock.time_s += QUIET_S
        await until_audited(channel)

    assert not before


async def test_what_was_done_is_counted(clock: Clock, database: str) -> None:
    """For whoever watches the service: days, what differed, copies, seconds, and how far behind it is."""
    server = await start(Config(listen="127.0.0.1:0", store=database), clock)
    async with connected(server) as channel:
        first, copy = entered("u1", 7), entered("u1", 3)
        first.event_id = copy.event_id = "same"
        await send(channel, "shop", [first])
        await send(channel, "other", [entered("u1", 1)])
        await server.stop(1)
    server = await start(Config(listen="127.0.0.1:0", store=database, remembered_ids=0), clock)
    async with connected(server) as channel:
        await send(channel, "shop", [copy])
    await server.stop(1)

    store = await open_store(database)
    desks = Desks(partial(CountingInWorker, database), IngestLoad())
    watched = Auditor(store, AppDirectory(store, now=clock, new_app_zone=None), desks, clock)
    await watched.look_for_days(auditor.LOOK_BACK)
    clock.time_s += TWELVE_HOURS_S + QUIET_S
    turns = [await watched.audit_next()]
    ages_s = [watched.oldest_unaudited_age_s()]
    turns += [await watched.audit_next() for _ in range(2)]
    await watched.look_for_days(auditor.LOOK_BACK)
    ages_s.append(watched.oldest_unaudited_age_s())
    await watched.close()
    await store.close()

    assert [True, True, False] == turns
    assert 0 < watched.counters.seconds
    watched.counters.seconds = 0
    assert AuditCounters(days_recounted=2, differing_figures=2, copies_found=1) == watched.counters
    assert [QUIET_S, 0] == ages_s


async def test_a_worker_that_is_gone_is_told_and_replaced(database: str, clock: Clock) -> None:
    """The next recount starts another."""
    server = await start(Config(listen="127.0.0.1:0", store=database), clock)
    async with connected(server) as channel:
        await send(channel, "shop", [entered("u1", 1)])
    await server.stop(1)
    store = await open_store(database)
    nowhere = Desks(partial(CountingInWorker, "sqlite:/no/such/folder/events.db"), IngestLoad())
    here = Desks(lambda _: CountingHere(store), IngestLoad())
    directory = AppDirectory(store, now=clock, new_app_zone=None)
    app = await directory.app("shop")
    today = directory.today(app)

    with pytest.raises(StoreUnavailableError, match=r"^The store did not answer as it should: the database"):
        await Auditor(store, directory, nowhere, clock).audit(app, today)
    await nowhere.close()
    audit = await Auditor(store, directory, here, clock).audit(app, today)
    await store.close()

    assert (1, True) == (audit.events, audit.audited)


async def test_a_worker_asks_for_leave(database: str, clock: Clock) -> None:
    """It goes on when it gets it; and where nobody waits for it any more, it is ended, and the next is another."""
    server = await start(Config(listen="127.0.0.1:0", store=database), clock)
    async with connected(server) as channel:
        await send(channel, "shop", [entered("u1", 1), entered("u2", 1)])
    await server.stop(1)
    day = Day("shop", datetime.date.fromisoformat(TODAY))
    counting = CountingInWorker(database, 10)
    asked, may_go_on = asyncio.Event(), asyncio.Event()
    reports: list[str] = []

    async def take(cell: Recount) -> None:
        reports.append(cell.report)

    async def leave() -> None:
        asked.set()
        await may_go_on.wait()

    given_up = asyncio.create_task(counting.count(day, 1, Caller(take, leave)))
    await asked.wait()
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    asked.clear()
    count = asyncio.create_task(counting.count(day, 1, Caller(take, leave)))
    await asked.wait()
    before_leave = list(reports)
    may_go_on.set()
    found = await count
    await counting.close()

    assert [] == before_leave
    assert DayCount(2, 0, is_whole=True) == found
    assert DAY == reports[-1]


async def test_a_day_counted_on_request_is_due_no_more(database: str, clock: Clock) -> None:
    """Nor does its age show."""
    server = await start(Config(listen="127.0.0.1:0", store=database), clock)
    async with connected(server) as channel:
        await send(channel, "shop", [entered("u1", 1)])
    await server.stop(1)
    store = await open_store(database)
    directory = AppDirectory(store, now=clock, new_app_zone=None)
    watched = Auditor(store, directory, Desks(lambda _: CountingHere(store), IngestLoad()), clock)
    app = await directory.app("shop")
    today = directory.today(app)
    clock.time_s += TWELVE_HOURS_S
    watched.note(Day("shop", today))
    is_counted = await watched.audit_next()  # Not yet: it was not quiet for long enough.
    clock.time_s += 60
    before_s = watched.oldest_unaudited_age_s()
    audit = await watched.audit(app, today)
    after_s = watched.oldest_unaudited_age_s()
    await store.close()

    assert not is_counted
    assert (60, 0) == (before_s, after_s)
    assert audit.audited
