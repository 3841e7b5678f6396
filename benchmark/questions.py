"""Every report, as a dashboard asks for it."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import grpc
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

Ask: TypeAlias = Callable[[], Awaitable[Any]]


class Question(NamedTuple):
    """A report by its name, and how to ask for it."""

    report: str
    ask: Ask


def questions(channel: grpc.aio.Channel, app: str, days: analytics.DateRange, visitor: str) -> list[Question]:
    """Return the questions about some days of an app, the whole range at once; the last is about one visitor."""
    stub = AnalyticsServiceStub(channel)

    def question(report: str, method: str, **fields: Any) -> Question:
        call = getattr(stub, method)
        request_type = getattr(analytics, f"{method}Request")
        request = request_type(app=app, date_range=days, **fields)
        return Question(report, lambda: call(request))

    return [
        question("stage users", "QueryStageUsers"),
        question("stage times", "QueryStageTimes"),
        question("stage graph", "QueryStageGraph"),
        question("conversion", "QueryConversion"),
        question("button actions", "QueryButtonActions"),
        question("page views", "QueryPageViews"),
        question("click targets", "QueryClickTargets"),
        question("platforms", "QueryPlatforms", dimension=analytics.PLATFORM_DIMENSION_BROWSER),
        question("traffic", "QueryTraffic", interval=analytics.INTERVAL_DAY),
        question("device events", "ListDeviceEvents", device_id=visitor),
    ]
