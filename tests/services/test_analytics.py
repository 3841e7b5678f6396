"""AnalyticsService: what it refuses, and how."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import grpc
import pytest
from google.protobuf.message import Message
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_HOUR,
    DateRange,
    ListDeviceEventsRequest,
    PlatformDimension,
    QueryButtonActionsRequest,
    QueryClickTargetsRequest,
    QueryConversionRequest,
    QueryFunnelRequest,
    QueryJourneysRequest,
    QueryPageViewsRequest,
    QueryPlatformsRequest,
    QueryStageGraphRequest,
    QueryStageTimesRequest,
    QueryStageUsersRequest,
    QueryTrafficRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from tests.failures import Failure, failure_of
from tests.reports.visits import clicked, make_app, send, viewed

Ask: TypeAlias = Callable[..., Message]

INVALID: Final = grpc.StatusCode.INVALID_ARGUMENT
BROWSER: Final = PlatformDimension.PLATFORM_DIMENSION_BROWSER
WITH_INTERVALS: Final[dict[str, Ask]] = {
    "QueryStageUsers": QueryStageUsersRequest,
    "QueryStageTimes": QueryStageTimesRequest,
    "QueryButtonActions": QueryButtonActionsRequest,
    "QueryConversion": QueryConversionRequest,
    "QueryPageViews": QueryPageViewsRequest,
    "QueryClickTargets": QueryClickTargetsRequest,
}
WITH_PAGES: Final[dict[str, Ask]] = {
    "QueryButtonActions": QueryButtonActionsRequest,
    "QueryPageViews": QueryPageViewsRequest,
    "QueryClickTargets": QueryClickTargetsRequest,
    "ListDeviceEvents": lambda **fields: ListDeviceEventsRequest(device_id="u1", **fields),
}
ALL: Final[dict[str, Ask]] = {
    **WITH_INTERVALS,
    **WITH_PAGES,
    "QueryStageGraph": QueryStageGraphRequest,
    "QueryPlatforms": lambda **fields: QueryPlatformsRequest(dimension=BROWSER, **fields),
    "QueryTraffic": QueryTrafficRequest,
}


async def failure(channel: grpc.aio.Channel, method: str, request: Message) -> Failure:
    """Return how a call fails, which it is asserted to do."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await getattr(AnalyticsServiceStub(channel), method)(request)
    return failure_of(failed.value)


def invalid(field: str) -> Failure:
    """Return the status for a field that is wrong."""
    return Failure(INVALID, "INVALID_REQUEST", (field,))


@pytest.mark.parametrize("method", ALL)
async def test_an_unknown_app_is_not_found(channel: grpc.aio.Channel, method: str) -> None:
    """No question makes an app, and what cannot be an id is no app either."""
    not_found = Failure(grpc.StatusCode.NOT_FOUND, "UNKNOWN_APP")

    assert not_found == await failure(channel, method, ALL[method](app="nowhere"))
    assert not_found == await failure(channel, method, ALL[method](app="no/app"))


@pytest.mark.parametrize("method", ALL)
async def test_an_app_is_required(channel: grpc.aio.Channel, method: str) -> None:
    """Every question is about one app."""
    assert invalid("app") == await failure(channel, method, ALL[method]())


@pytest.mark.parametrize("method", ALL)
async def test_a_wrong_range_is_refused(channel: grpc.aio.Channel, method: str) -> None:
    """Days that are none, that end before they begin, or are too many, are named by the field at fault."""
    await make_app(channel, "shop")
    start, end = "date_range.start_date", "date_range.end_date"

    for field, date_range in (
        (start, DateRange(start_date="soon")),
        (end, DateRange(end_date="2026-13-01")),
        (start, DateRange(start_date="today", end_date="-1d")),
        (start, DateRange(start_date="-800d")),
    ):
        assert invalid(field) == await failure(channel, method, ALL[method](app="shop", date_range=date_range))


@pytest.mark.parametrize("method", WITH_INTERVALS)
@pytest.mark.parametrize("interval", [INTERVAL_HOUR, 17])
async def test_a_wrong_interval_is_refused(channel: grpc.aio.Channel, method: str, interval: Any) -> None:
    """Hours are for traffic only."""
    request = WITH_INTERVALS[method](app="shop", interval=interval)

    assert invalid("interval") == await failure(channel, method, request)


async def test_traffic_by_hours_is_limited(channel: grpc.aio.Channel) -> None:
    """By hours, 31 days are the most; an unknown interval is none."""
    await make_app(channel, "shop")
    request = QueryTrafficRequest(app="shop", date_range=DateRange(start_date="-30d"), interval=INTERVAL_HOUR)
    response = await AnalyticsServiceStub(channel).QueryTraffic(request)
    request.date_range.start_date = "-31d"

    assert 31 * 24 == len(response.rows)
    assert invalid("date_range.start_date") == await failure(channel, "QueryTraffic", request)
    assert invalid("interval") == await failure(
        channel,
        "QueryTraffic",
        QueryTrafficRequest(app="shop", interval=17),  # type: ignore[arg-type]  # No Interval, on purpose.
    )


@pytest.mark.parametrize("method", WITH_PAGES)
async def test_a_wrong_page_is_refused(channel: grpc.aio.Channel, method: str) -> None:
    """A page has from 1 to 1,000 rows, and begins where a page of the same question ended."""
    await make_app(channel, "shop")
    ask = WITH_PAGES[method]

    assert invalid("page_size") == await failure(channel, method, ask(app="shop", page_size=-1))
    assert invalid("page_size") == await failure(channel, method, ask(app="shop", page_size=1_001))
    assert invalid("page_token") == await failure(channel, method, ask(app="shop", page_token="next"))


async def test_a_token_of_another_question_is_refused(channel: grpc.aio.Channel) -> None:
    """A token goes with the fields of its request, and with its method."""
    await send(channel, "shop", [viewed("u1", "/a"), viewed("u1", "/b"), clicked("u1", "x")])
    page = await AnalyticsServiceStub(channel).QueryPageViews(QueryPageViewsRequest(app="shop", page_size=1))
    token = page.next_page_token

    assert token
    for method, request in (
        ("QueryPageViews", QueryPageViewsRequest(app="shop", url="/a", page_token=token)),
        ("QueryPageViews", QueryPageViewsRequest(app="007", page_token=token)),
        ("QueryButtonActions", QueryButtonActionsRequest(app="shop", page_token=token)),
        ("QueryClickTargets", QueryClickTargetsRequest(app="shop", page_token=token)),
        ("ListDeviceEvents", ListDeviceEventsRequest(app="shop", device_id="u1", page_token=token)),
    ):
        assert invalid("page_token") == await failure(channel, method, request)


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("QueryStageGraph", QueryStageGraphRequest(app="shop", min_users=-1), "min_users"),
        ("QueryStageGraph", QueryStageGraphRequest(app="shop", max_edges=-1), "max_edges"),
        ("QueryStageGraph", QueryStageGraphRequest(app="shop", max_edges=10_001), "max_edges"),
        ("QueryPlatforms", QueryPlatformsRequest(app="shop"), "dimension"),
        ("QueryPlatforms", QueryPlatformsRequest(app="shop", dimension=17), "dimension"),  # type: ignore[arg-type]  # None.
        ("ListDeviceEvents", ListDeviceEventsRequest(app="shop"), "device_id"),
    ],
)
async def test_a_wrong_field_is_refused(channel: grpc.aio.Channel, method: str, request_: Message, field: str) -> None:
    """Each report says which of its own fields is wrong."""
    assert invalid(field) == await failure(channel, method, request_)


@pytest.mark.parametrize(
    ("method", "request_"), [("QueryFunnel", QueryFunnelRequest()), ("QueryJourneys", QueryJourneysRequest())]
)
async def test_what_is_not_offered_says_so(channel: grpc.aio.Channel, method: str, request_: Message) -> None:
    """Methods of the contract that this server does not have are UNIMPLEMENTED, in a sentence."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await getattr(AnalyticsServiceStub(channel), method)(request_)

    assert grpc.StatusCode.UNIMPLEMENTED == failed.value.code()
    assert f"This server does not offer {method}." == failed.value.details()


async def test_bytes_that_are_no_request(channel: grpc.aio.Channel) -> None:
    """They are INVALID_ARGUMENT, whatever the method."""
    for method in ("AnalyticsService/QueryTraffic", "AdminService/GetApp", "AdminService/AuditDays"):
        unary: Any = channel.unary_unary(f"/live.eventmanager.v1.{method}")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(b"\x0a\x02\xff\xfe")

        assert Failure(INVALID, "INVALID_REQUEST", ("",)) == failure_of(caught.value)
