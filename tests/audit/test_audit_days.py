"""AdminService.AuditDays, and what reports say then."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest, AuditDaysResponse
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    PLATFORM_DIMENSION_OS,
    DateRange,
    QueryPlatformsRequest,
    QueryStageGraphRequest,
    QueryStageTimesRequest,
    QueryStageUsersRequest,
    StageEdge,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event

from tests.conftest import Clock, StartServer
from tests.failures import Failure, failure_of
from tests.reports.visits import clicked, entered, ingest, make_app, send

TODAY, YESTERDAY = "2026-06-17", "2026-06-16"


def named(event: Event, event_id: str) -> Event:
    """Give an event its id."""
    event.event_id = event_id
    return event


async def audit(channel: grpc.aio.Channel, app: str, first: str = "", last: str = "") -> list[AuditDaysResponse]:
    """Have days counted again."""
    request = AuditDaysRequest(app=app, date_range=DateRange(start_date=first, end_date=last))
    return [response async for response in AdminServiceStub(channel).AuditDays(request)]


async def is_audited(channel: grpc.aio.Channel, app: str, first: str = "", last: str = "") -> bool:
    """Ask a report how far it can be relied on."""
    request = QueryStageUsersRequest(app=app, date_range=DateRange(start_date=first, end_date=last))
    return (await AnalyticsServiceStub(channel).QueryStageUsers(request)).info.audited


async def edges(channel: grpc.aio.Channel, app: str) -> Sequence[StageEdge]:
    """Return the moves of today."""
    return (await AnalyticsServiceStub(channel).QueryStageGraph(QueryStageGraphRequest(app=app))).edges


@pytest.fixture(params=["memory", "file"])
async def channel(
    request: pytest.FixtureRequest, start_server: StartServer, database: str
) -> AsyncIterator[grpc.aio.Channel]:
    """A server that counts in itself, and one that has a worker."""
    server = await (start_server() if request.param == "memory" else start_server(database))
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel


async def test_a_day_is_audited_until_something_comes(channel: grpc.aio.Channel) -> None:
    """Also the day that is not over; a copy alone ends it, too."""
    event = named(entered("u1", 1), "1")
    await send(channel, "shop", [event])

    assert not await is_audited(channel, "shop")
    assert [AuditDaysResponse(date=TODAY, events=1, audited=True)] == await audit(channel, "shop")
    assert await is_audited(channel, "shop")

    await ingest(channel, "shop", [event])

    assert not await is_audited(channel, "shop")
    assert [AuditDaysResponse(date=TODAY, events=1, audited=True)] == await audit(channel, "shop")

    await send(channel, "shop", [entered("u2", 1)])

    assert not await is_audited(channel, "shop")


async def test_days_are_told_one_by_one(channel: grpc.aio.Channel) -> None:
    """Oldest first, those without events, too; a range is audited when each of its days is."""
    await send(channel, "shop", [entered("u1", 1, f"{YESTERDAY}T10:00"), entered("u1", 2), entered("u2", 2)])

    assert [
        AuditDaysResponse(date="2026-06-15", audited=True),
        AuditDaysResponse(date=YESTERDAY, events=1, audited=True),
    ] == await audit(channel, "shop", "2026-06-15", YESTERDAY)
    assert await is_audited(channel, "shop", "2026-06-15", YESTERDAY)
    assert not await is_audited(channel, "shop", YESTERDAY, TODAY)
    assert 2 == (await audit(channel, "shop"))[0].events
    assert await is_audited(channel, "shop", YESTERDAY, TODAY)


async def test_moves_follow_the_order_of_events(channel: grpc.aio.Channel) -> None:
    """Whatever the order of arrival: 1 to 2 to 3, though 2 came last."""
    await send(channel, "shop", [named(entered("u1", 1, f"{TODAY}T09:00"), "a")])
    await send(channel, "shop", [named(entered("u1", 3, f"{TODAY}T11:00"), "b")])
    await send(channel, "shop", [named(entered("u1", 2, f"{TODAY}T10:00"), "c")])

    assert [StageEdge(from_stage=1, to_stage=3, users=1)] == list(await edges(channel, "shop"))
    await audit(channel, "shop")
    assert [
        StageEdge(from_stage=1, to_stage=2, users=1),
        StageEdge(from_stage=2, to_stage=3, users=1),
    ] == list(await edges(channel, "shop"))


async def test_of_copies_that_differ_the_first_by_its_bytes_counts(channel: grpc.aio.Channel) -> None:
    """Live it is the one that came first."""
    later, sooner = named(entered("u1", 7), "same"), named(entered("u1", 3), "same")
    assert later.SerializeToString(deterministic=True) > sooner.SerializeToString(deterministic=True)
    await send(channel, "shop", [later])
    await ingest(channel, "shop", [sooner])

    found = await audit(channel, "shop")
    response = await AnalyticsServiceStub(channel).QueryStageUsers(QueryStageUsersRequest(app="shop"))

    assert [AuditDaysResponse(date=TODAY, events=1, duplicate_events=1, differing_figures=2, audited=True)] == found
    assert [(3, 1)] == [(row.stage, row.users) for row in response.rows]


async def test_visitors_of_audited_and_other_days_are_united(channel: grpc.aio.Channel) -> None:
    """One who came on both days counts once."""
    await send(channel, "shop", [clicked(f"u{number}", "a", f"{YESTERDAY}T10:00") for number in range(30)])
    await send(channel, "shop", [clicked(f"u{number}", "a") for number in range(20, 50)])
    await audit(channel, "shop", YESTERDAY, YESTERDAY)
    request = QueryPlatformsRequest(
        app="shop", date_range=DateRange(start_date=YESTERDAY), dimension=PLATFORM_DIMENSION_OS
    )
    response = await AnalyticsServiceStub(channel).QueryPlatforms(request)

    assert (50, False) == (response.total_users, response.info.audited)


async def test_totals_that_were_tampered_with_are_found(
    start_server: StartServer, database: str, tmp_path: Path
) -> None:
    """Reports give the recount; the live rows stay as they are."""
    server = await start_server(database)
    async with grpc.aio.insecure_channel(server.address) as channel:
        await send(channel, "shop", [entered("u1", 1, elapsed_s=2), entered("u1", 2, elapsed_s=3)])
        times = QueryStageTimesRequest(app="shop")
        right = (await AnalyticsServiceStub(channel).QueryStageTimes(times)).rows
        with sqlite3.connect(tmp_path / "events.db") as connection:
            connection.execute("UPDATE time_by_stage SET hits = hits + 5 WHERE stage = 1")
            connection.execute("DELETE FROM time_by_stage WHERE stage = 2")
        connection.close()
        wrong = (await AnalyticsServiceStub(channel).QueryStageTimes(times)).rows
        found = await audit(channel, "shop")
        response = await AnalyticsServiceStub(channel).QueryStageTimes(times)

    assert right != wrong
    assert [AuditDaysResponse(date=TODAY, events=2, differing_figures=2, audited=True)] == found
    assert (right, True) == (response.rows, response.info.audited)


async def test_a_day_past_its_retention_is_not_counted_again(channel: grpc.aio.Channel, clock: Clock) -> None:
    """Its log goes, or soon will; and reports of it are not said to be exact."""
    await make_app(channel, "shop", retention_days=2)
    await send(channel, "shop", [entered("u1", 1)])
    await audit(channel, "shop")
    clock.time_s += 3 * 86_400
    await asyncio.sleep(0)

    assert [AuditDaysResponse(date=TODAY)] == await audit(channel, "shop", TODAY, TODAY)
    assert not await is_audited(channel, "shop", TODAY, TODAY)


async def test_what_cannot_be_counted_is_refused(channel: grpc.aio.Channel) -> None:
    """An app that is not there, or days that are none."""
    await make_app(channel, "shop")
    failures = []
    for app, first in (("nowhere", ""), ("", ""), ("shop", "soon")):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await audit(channel, app, first)
        failures.append(failure_of(failed.value))

    invalid = grpc.StatusCode.INVALID_ARGUMENT
    assert [
        Failure(grpc.StatusCode.NOT_FOUND, "UNKNOWN_APP"),
        Failure(invalid, "INVALID_REQUEST", ("app",)),
        Failure(invalid, "INVALID_REQUEST", ("date_range.start_date",)),
    ] == failures
