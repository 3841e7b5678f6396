"""More visitors than one cell takes."""

import datetime
from collections.abc import Mapping, Sequence
from functools import partial

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    PLATFORM_DIMENSION_OS,
    DateRange,
    QueryPlatformsRequest,
    QueryPlatformsResponse,
    QueryStageUsersRequest,
    QueryStageUsersResponse,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.audit import recount
from eventmanager.audit.recount import RecountBounds
from eventmanager.store.protocol import Recount
from eventmanager.store.sqlite.store import SQLiteStore
from tests.conftest import StartServer
from tests.reports.visits import clicked, entered, send

YESTERDAY = "2026-06-16"
_read_recounts = SQLiteStore.read_recounts


@pytest.fixture(autouse=True)
def small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cells hold few visitors."""
    monkeypatch.setattr(recount, "RecountBounds", partial(RecountBounds, most_members=7))


async def ask(channel: grpc.aio.Channel) -> tuple[QueryStageUsersResponse, QueryPlatformsResponse]:
    """Ask for the visitors of two days together; when that was is left out."""
    stub = AnalyticsServiceStub(channel)
    dates = DateRange(start_date=YESTERDAY)
    stages = await stub.QueryStageUsers(QueryStageUsersRequest(app="shop", date_range=dates))
    platforms = await stub.QueryPlatforms(
        QueryPlatformsRequest(app="shop", date_range=dates, dimension=PLATFORM_DIMENSION_OS)
    )
    stages.info.ClearField("read_time")
    platforms.info.ClearField("read_time")
    return stages, platforms


async def audit(channel: grpc.aio.Channel) -> list[bool]:
    """Have both days counted again, and return of which it is said that they are audited."""
    request = AuditDaysRequest(app="shop", date_range=DateRange(start_date=YESTERDAY))
    return [found.audited async for found in AdminServiceStub(channel).AuditDays(request)]


async def read_without_one(
    store: SQLiteStore, app: str, report: str, dates: Sequence[datetime.date]
) -> Mapping[datetime.date, Recount]:
    """Do what Store.read_recounts says, but find no second cell of visitors."""
    return {} if "/1 of " in report else await _read_recounts(store, app, report, dates)


async def visit(channel: grpc.aio.Channel) -> None:
    """Have visitors come on two days, some of them on both."""
    for first, noon in ((0, f"{YESTERDAY}T12:00"), (20, "2026-06-17T12:00")):
        await send(channel, "shop", [entered(f"u{first + number}", number % 3, noon) for number in range(40)])
        await send(channel, "shop", [clicked(f"u{first + number}", "a", noon) for number in range(30)])


async def test_days_unite_from_several_cells(start_server: StartServer) -> None:
    """The figures are those of the live tables, and audited."""
    server = await start_server()
    async with grpc.aio.insecure_channel(server.address) as channel:
        await visit(channel)
        live = await ask(channel)
        audited = await audit(channel)
        recounted = await ask(channel)

    for answer in live:
        assert not answer.info.audited
        answer.info.audited = True
    assert [True, True] == audited
    assert live == recounted


async def test_one_cell_missing_is_all_missing(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the live tables answer, and say so."""
    server = await start_server()
    async with grpc.aio.insecure_channel(server.address) as channel:
        await visit(channel)
        live = await ask(channel)
        audited = await audit(channel)
        monkeypatch.setattr(SQLiteStore, "read_recounts", read_without_one)
        lacking = await ask(channel)

    assert [True, True] == audited
    assert live == lacking
