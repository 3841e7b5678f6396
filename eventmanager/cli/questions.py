"""Questions to AnalyticsService, and how an answer of many pages becomes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf.message import Message
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from rich.console import RenderableType

from eventmanager.cli.tables import pages, stages, visitors

Answer: TypeAlias = Any
"""A response of AnalyticsService."""

_MOST_ROWS_A_PAGE: Final = 1_000
_ROWS_AT_A_GLANCE: Final = 10


@dataclass(frozen=True, slots=True)
class Question:
    """One question, under the name that `report` has for it, and how to show its answer."""

    name: str
    method: str
    request: Message
    show: Callable[[Answer], RenderableType]
    most_rows: int | None = None
    """Of an answer that has pages, the most rows to return; None where there are no pages."""

    async def ask(self, channel: grpc.aio.Channel) -> Answer:
        """Return the answer, its pages put together; its `next_page_token` says whether there is more."""
        method = getattr(AnalyticsServiceStub(channel), self.method)
        if self.most_rows is None:
            return await method(self.request)
        request: Any = type(self.request)()
        request.CopyFrom(self.request)
        request.page_size = min(self.most_rows, _MOST_ROWS_A_PAGE)
        answer = await method(request)
        while answer.next_page_token and (missing := self.most_rows - len(rows_of(answer))) > 0:
            request.page_token = answer.next_page_token
            request.page_size = min(missing, _MOST_ROWS_A_PAGE)
            page = await method(request)
            rows_of(answer).extend(rows_of(page))
            answer.next_page_token = page.next_page_token
            if hasattr(answer, "info"):
                # As a whole it is only as good as its worst page.
                answer.info.audited = answer.info.audited and page.info.audited
                answer.info.estimated = answer.info.estimated or page.info.estimated
        return answer


def rows_of(answer: Answer) -> Any:
    """Return what an answer's pages hold some of."""
    return answer.events if isinstance(answer, analytics.ListDeviceEventsResponse) else answer.rows


def platforms(app: str, dates: analytics.DateRange, dimension: str) -> Question:
    """Ask for `browser`, `os` or `device`."""
    return Question(
        f"platforms-{dimension}",
        "QueryPlatforms",
        analytics.QueryPlatformsRequest(
            app=app,
            date_range=dates,
            dimension=analytics.PlatformDimension.Value(f"PLATFORM_DIMENSION_{dimension.upper()}"),
        ),
        lambda answer: visitors.platforms(answer, _PLATFORM_HEADINGS[dimension]),
    )


_PLATFORM_HEADINGS: Final = {"browser": "Browsers", "os": "Operating systems", "device": "Devices"}


def every_question(
    app: str, dates: analytics.DateRange, traffic_interval: analytics.Interval.ValueType = analytics.INTERVAL_HOUR
) -> Sequence[Question]:
    """Ask everything that is not about one visitor, over the whole of some days; of long answers, what comes first."""
    whole: Any = {"app": app, "date_range": dates}
    return [
        Question(
            "traffic",
            "QueryTraffic",
            analytics.QueryTrafficRequest(**whole, interval=traffic_interval),
            visitors.traffic,
        ),
        Question("conversion", "QueryConversion", analytics.QueryConversionRequest(**whole), stages.conversion),
        Question("stage-users", "QueryStageUsers", analytics.QueryStageUsersRequest(**whole), stages.stage_users),
        Question("stage-times", "QueryStageTimes", analytics.QueryStageTimesRequest(**whole), stages.stage_times),
        Question("stage-graph", "QueryStageGraph", analytics.QueryStageGraphRequest(**whole), stages.stage_graph),
        Question(
            "button-actions",
            "QueryButtonActions",
            analytics.QueryButtonActionsRequest(**whole),
            pages.button_actions,
            _ROWS_AT_A_GLANCE,
        ),
        Question(
            "page-views",
            "QueryPageViews",
            analytics.QueryPageViewsRequest(**whole),
            pages.page_views,
            _ROWS_AT_A_GLANCE,
        ),
        Question(
            "click-targets",
            "QueryClickTargets",
            analytics.QueryClickTargetsRequest(**whole),
            pages.click_targets,
            _ROWS_AT_A_GLANCE,
        ),
        *(platforms(app, dates, dimension) for dimension in _PLATFORM_HEADINGS),
    ]
