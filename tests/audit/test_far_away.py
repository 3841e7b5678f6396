"""What reports say while another data centre, which may know of more, does not answer."""

import datetime
from collections.abc import Sequence

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import DateRange, QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.errors import StoreUnavailableError
from eventmanager.store.sqlite.store import SQLiteStore
from tests.conftest import StartServer
from tests.reports.visits import clicked, send

_dates = SQLiteStore.dates


async def dates(_: SQLiteStore, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
    """Find that not everybody answers who may know of dates."""
    raise StoreUnavailableError(f"no answer about {app}, {first} to {last}")


async def test_days_that_nobody_can_vouch_for_are_not_audited(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports tell of the days known here, and that they may lack some. Nothing is said of days as counted again."""
    server = await start_server()
    async with grpc.aio.insecure_channel(server.address) as channel:
        analytics, admin = AnalyticsServiceStub(channel), AdminServiceStub(channel)
        await send(channel, "shop", [clicked("u1", "a")])
        request = QueryTrafficRequest(app="shop", date_range=DateRange(start_date="-1d"))
        audits = AuditDaysRequest(app="shop", date_range=request.date_range)
        audited = [audit.audited async for audit in admin.AuditDays(audits)]
        whole = await analytics.QueryTraffic(request)
        monkeypatch.setattr(SQLiteStore, "dates", dates)
        monkeypatch.setattr(SQLiteStore, "nearby_dates", _dates)
        nearby = await analytics.QueryTraffic(request)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(aiter(admin.AuditDays(audits)))

    assert [True, True] == audited
    assert (True, False) == (whole.info.audited, nearby.info.audited)
    assert whole.rows == nearby.rows
    assert grpc.StatusCode.UNAVAILABLE == refused.value.code()
