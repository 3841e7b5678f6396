"""Every report, as a dashboard asks for it."""

from typing import Any, NamedTuple

from live.eventmanager.v1 import analytics_service_pb2 as analytics


class Question(NamedTuple):
    """A report by its name, and how to ask for it."""

    report: str
    method: str
    request: Any

    async def ask(self, stub: Any) -> Any:
        """Return the answer that a stub gives."""
        return await getattr(stub, self.method)(self.request)


def questions(app: str, days: analytics.DateRange, visitor: str) -> list[Question]:
    """Return the questions about some days of an app, the whole range at once; the last is about one visitor."""

    def question(report: str, method: str, **fields: Any) -> Question:
        request_type = getattr(analytics, f"{method}Request")
        return Question(report, method, request_type(app=app, date_range=days, **fields))

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
