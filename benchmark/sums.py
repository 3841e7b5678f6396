"""Holds the reports to what was sent."""

from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from benchmark.errors import WrongFiguresError
from benchmark.expected import Expected

_PAGE_SIZE: Final = 1_000


async def require_sums(channel: grpc.aio.Channel, app: str, days: analytics.DateRange, expected: Expected) -> None:
    """Raise WrongFiguresError where reports of some days do not add up to what was sent."""
    stub = AnalyticsServiceStub(channel)

    def of(request_type: type[Any], **fields: Any) -> Any:
        return request_type(app=app, date_range=days, **fields)

    (traffic,) = (await stub.QueryTraffic(of(analytics.QueryTrafficRequest))).rows
    users = await stub.QueryStageUsers(of(analytics.QueryStageUsersRequest))
    times = await stub.QueryStageTimes(of(analytics.QueryStageTimesRequest))
    browsers = of(analytics.QueryPlatformsRequest, dimension=analytics.PLATFORM_DIMENSION_BROWSER)
    hovers = of(analytics.QueryButtonActionsRequest, page_size=_PAGE_SIZE)
    views = of(analytics.QueryPageViewsRequest, page_size=_PAGE_SIZE)
    clicks = of(analytics.QueryClickTargetsRequest, page_size=_PAGE_SIZE)
    wanted_and_told = {
        "clicks in traffic": (expected.clicks, traffic.clicks),
        "changes of URL in traffic": (expected.url_changes, traffic.url_changes),
        "hovers in traffic": (expected.btn_times, traffic.btn_times),
        "changes of stage in traffic": (expected.funnel_changes, traffic.funnel_changes),
        "visitors in traffic": (expected.visitors, traffic.users),
        "visitors of stages": (expected.stage_visitors, sum(row.users for row in users.rows)),
        "changes of stage": (expected.funnel_changes, sum(row.hits for row in times.rows)),
        "visitors by browser": (expected.visitors, (await stub.QueryPlatforms(browsers)).total_users),
        "hovers": (expected.btn_times, sum([row.hits async for row in _rows(stub.QueryButtonActions, hovers)])),
        "page views": (expected.url_changes, sum([row.views async for row in _rows(stub.QueryPageViews, views)])),
        "clicks": (expected.clicks, sum([row.clicks async for row in _rows(stub.QueryClickTargets, clicks)])),
    }
    wrong = [
        f"{what}: {wanted:,} sent, {told:,} reported"
        for what, (wanted, told) in wanted_and_told.items()
        if wanted != told
    ]
    if wrong:
        raise WrongFiguresError(f"The reports do not add up. {'; '.join(wrong)}.")


async def _rows(query: Any, request: Any) -> AsyncIterator[Any]:
    """Ask page by page."""
    while True:
        response: Any = await query(request)
        for row in response.rows:
            yield row
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token
