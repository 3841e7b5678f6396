"""Asks a server for every report and compares the answers with a recount."""

import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import grpc
from google.protobuf.message import Message
from live.eventmanager.v1.admin_service_pb2 import App
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_HOUR,
    PLATFORM_DIMENSION_BROWSER,
    PLATFORM_DIMENSION_DEVICE,
    PLATFORM_DIMENSION_OS,
    DateRange,
    Interval,
    ListDeviceEventsRequest,
    QueryButtonActionsRequest,
    QueryClickTargetsRequest,
    QueryConversionRequest,
    QueryPageViewsRequest,
    QueryPlatformsRequest,
    QueryStageGraphRequest,
    QueryStageTimesRequest,
    QueryStageUsersRequest,
    QueryTrafficRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event

from tests.recount.acknowledged import Acknowledged
from tests.recount.comparison import differences
from tests.recount.page_reports import button_actions, click_targets, page_views
from tests.recount.question import Question
from tests.recount.stage_reports import conversion, stage_graph, stage_times, stage_users
from tests.recount.visitor_reports import device_events, platforms, traffic
from tests.traffic import USER_AGENTS

_DIMENSIONS = {
    "browser": PLATFORM_DIMENSION_BROWSER,
    "os": PLATFORM_DIMENSION_OS,
    "device": PLATFORM_DIMENSION_DEVICE,
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Compares a server's reports of some days of one app with the recount of what it acknowledged."""

    channel: grpc.aio.Channel
    acknowledged: Acknowledged
    app: App
    first: datetime.date
    last: datetime.date
    page_size: int = 1_000

    @property
    def _analytics(self) -> AnalyticsServiceStub:
        return AnalyticsServiceStub(self.channel)

    @property
    def _range(self) -> DateRange:
        return DateRange(start_date=self.first.isoformat(), end_date=self.last.isoformat())

    def _question(self, interval: Interval.ValueType = Interval.INTERVAL_UNSPECIFIED) -> Question:
        return Question(self.acknowledged, self.app, self.first, self.last, interval)

    async def differences(self, intervals: Sequence[Interval.ValueType]) -> list[str]:
        """Say in what any report differs, by each of the intervals that it has."""
        found = await self._whole_range()
        for interval in intervals:
            if interval != INTERVAL_HOUR:
                found += await self._by_interval(interval)
            response = await self._analytics.QueryTraffic(
                QueryTrafficRequest(app=self.app.app, date_range=self._range, interval=interval)
            )
            found += self._compare(f"traffic by {interval}", traffic(self._question(interval)), response.rows)
        return found

    async def _whole_range(self) -> list[str]:
        """Compare the reports that have no intervals."""
        app, days, question = self.app.app, self._range, self._question()
        found = []
        for least, most in ((0, 0), (2, 0), (0, 1)):
            graph = await self._analytics.QueryStageGraph(
                QueryStageGraphRequest(app=app, date_range=days, min_users=least, max_edges=most)
            )
            edges, omitted = stage_graph(question, least, most or 200)
            found += self._compare("stage graph", edges, graph.edges)
            found += _compare_number("omitted edges", omitted, graph.omitted_edges)
        for part, dimension in _DIMENSIONS.items():
            shares = await self._analytics.QueryPlatforms(
                QueryPlatformsRequest(app=app, date_range=days, dimension=dimension)
            )
            rows, total = platforms(question, part, USER_AGENTS)
            found += self._compare(f"platforms by {part}", rows, shares.rows)
            found += _compare_number(f"users by {part}", total, shares.total_users)
        for device_id in {counted.event.device_id for counted in question.events()}:
            listed = [
                event
                async for event in self._pages(
                    self._analytics.ListDeviceEvents, "events", ListDeviceEventsRequest(device_id=device_id)
                )
            ]
            found += self._compare(f"events of {device_id}", *_as_sent(device_events(question, device_id), listed))
        return found

    async def _by_interval(self, interval: Interval.ValueType) -> list[str]:
        """Compare the reports that have intervals."""
        app, days, question = self.app.app, self._range, self._question(interval)
        analytics = self._analytics
        users = await analytics.QueryStageUsers(QueryStageUsersRequest(app=app, date_range=days, interval=interval))
        found = self._compare(f"stage users by {interval}", stage_users(question), users.rows)
        rates = await analytics.QueryConversion(QueryConversionRequest(app=app, date_range=days, interval=interval))
        found += self._compare(f"conversion by {interval}", conversion(question), rates.rows)
        for stages in ((), (3, 2)):
            times = await analytics.QueryStageTimes(
                QueryStageTimesRequest(app=app, date_range=days, interval=interval, stages=stages)
            )
            found += self._compare(f"stage times by {interval}", stage_times(question, stages), times.rows)
        for target in ("", "buy"):
            hovers = QueryButtonActionsRequest(interval=interval, target=target)
            rows = await self._rows(analytics.QueryButtonActions, hovers)
            found += self._compare(f"button actions by {interval}", button_actions(question, target), rows)
        for url in ("", "/home"):
            views = await self._rows(analytics.QueryPageViews, QueryPageViewsRequest(interval=interval, url=url))
            found += self._compare(f"page views by {interval}", page_views(question, url), views)
            clicks = QueryClickTargetsRequest(interval=interval, current_url=url)
            rows = await self._rows(analytics.QueryClickTargets, clicks)
            found += self._compare(f"click targets by {interval}", click_targets(question, url), rows)
        return found

    async def _rows(self, method: Callable[[Any], Any], request: Message) -> list[Any]:
        return [row async for row in self._pages(method, "rows", request)]

    async def _pages(self, method: Callable[[Any], Any], rows: str, request: Any) -> AsyncIterator[Any]:
        """Yield the rows of every page."""
        request.app = self.app.app
        request.date_range.CopyFrom(self._range)
        request.page_size = self.page_size
        while True:
            response = await method(request)
            for row in getattr(response, rows):
                yield row
            request.page_token = response.next_page_token
            if not request.page_token:
                return

    def _compare(self, report: str, expected: Sequence[Message], actual: Sequence[Message]) -> list[str]:
        name = f"{report} of {self.app.app} from {self.first} to {self.last}"
        return differences(expected, actual, name)


def _compare_number(name: str, expected: int, actual: int) -> list[str]:
    return [] if expected == actual else [f"{name}: {expected} wanted, {actual} there"]


def _as_sent(expected: Sequence[Event], listed: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Return what was expected and what was listed, without the ids that the server made, in an order that needs none.

    Asserts that what is listed has them, and comes in their order.
    """
    places = [(event.timestamp.ToNanoseconds(), event.event_id) for event in listed]

    assert all(event.event_id for event in listed)
    assert all(one < other for one, other in pairwise(places))
    sent_ids = {event.event_id for event in expected}
    without = []
    for event in listed:
        copy = Event()
        copy.CopyFrom(event)
        if copy.event_id not in sent_ids:
            copy.ClearField("event_id")
        without.append(copy)
    return sorted(expected, key=_order), sorted(without, key=_order)


def _order(event: Event) -> tuple[int, bytes]:
    return event.timestamp.ToNanoseconds(), event.SerializeToString(deterministic=True)
