# ruff: noqa: ARG002, N802 - gRPC names the methods and hands a context to each.
"""AnalyticsService: finds the app and the days a question is about, and has the report answer."""

from collections.abc import Callable

from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_UNSPECIFIED,
    DateRange,
    Interval,
    ListDeviceEventsRequest,
    ListDeviceEventsResponse,
    QueryButtonActionsRequest,
    QueryButtonActionsResponse,
    QueryClickTargetsRequest,
    QueryClickTargetsResponse,
    QueryConversionRequest,
    QueryConversionResponse,
    QueryFunnelRequest,
    QueryFunnelResponse,
    QueryJourneysRequest,
    QueryJourneysResponse,
    QueryPageViewsRequest,
    QueryPageViewsResponse,
    QueryPlatformsRequest,
    QueryPlatformsResponse,
    QueryStageGraphRequest,
    QueryStageGraphResponse,
    QueryStageTimesRequest,
    QueryStageTimesResponse,
    QueryStageUsersRequest,
    QueryStageUsersResponse,
    QueryTrafficRequest,
    QueryTrafficResponse,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceServicer

from eventmanager.app_directory import AppDirectory
from eventmanager.date_ranges import BY_DAYS, BY_HOURS_TOO, check_interval
from eventmanager.errors import InvalidRequestError
from eventmanager.paging import page_of
from eventmanager.reports.button_actions import button_actions
from eventmanager.reports.click_targets import click_targets
from eventmanager.reports.conversion import conversion
from eventmanager.reports.device_events import device_events
from eventmanager.reports.figures import Figures, Sources
from eventmanager.reports.page_views import page_views
from eventmanager.reports.platforms import check_dimension, platforms
from eventmanager.reports.scope import Scope, scope_of
from eventmanager.reports.stage_graph import check_edge_limits, stage_graph
from eventmanager.reports.stage_times import stage_times
from eventmanager.reports.stage_users import stage_users
from eventmanager.reports.traffic import traffic
from eventmanager.services.not_offered import not_offered
from eventmanager.services.statuses import Context
from eventmanager.store.protocol import Store


class AnalyticsServicer(AnalyticsServiceServicer):
    """Answers the dashboard."""

    def __init__(self, directory: AppDirectory, store: Store, now: Callable[[], float]) -> None:
        self._directory = directory
        self._store = store
        self._sources = Sources.of(store)
        self._now = now

    async def QueryStageUsers(self, request: QueryStageUsersRequest, context: Context) -> QueryStageUsersResponse:
        """Count the distinct visitors of each stage."""
        check_interval(request.interval, BY_DAYS)
        scope = await self._scope(request.app, request.date_range, request.interval)
        return await stage_users(Figures(self._sources, scope), scope)

    async def QueryStageTimes(self, request: QueryStageTimesRequest, context: Context) -> QueryStageTimesResponse:
        """Tell how long visitors spend on each stage."""
        check_interval(request.interval, BY_DAYS)
        scope = await self._scope(request.app, request.date_range, request.interval)
        return await stage_times(Figures(self._sources, scope), scope, request.stages)

    async def QueryButtonActions(
        self, request: QueryButtonActionsRequest, context: Context
    ) -> QueryButtonActionsResponse:
        """Tell how hovers over buttons end, and after how long."""
        check_interval(request.interval, BY_DAYS)
        page = page_of(request, numbers=2, texts=1)
        scope = await self._scope(request.app, page.date_range or request.date_range, request.interval)
        return await button_actions(Figures(self._sources, scope), scope, page, request.target)

    async def QueryStageGraph(self, request: QueryStageGraphRequest, context: Context) -> QueryStageGraphResponse:
        """Return the graph of moves from stage to stage."""
        check_edge_limits(request.min_users, request.max_edges)
        scope = await self._scope(request.app, request.date_range)
        return await stage_graph(Figures(self._sources, scope), scope, request.min_users, request.max_edges)

    async def QueryConversion(self, request: QueryConversionRequest, context: Context) -> QueryConversionResponse:
        """Count the distinct visitors of each stage as shares of all visitors."""
        check_interval(request.interval, BY_DAYS)
        scope = await self._scope(request.app, request.date_range, request.interval)
        return await conversion(Figures(self._sources, scope), scope)

    async def QueryFunnel(self, request: QueryFunnelRequest, context: Context) -> QueryFunnelResponse:
        """Refuse: this server does not follow visitors through a funnel."""
        return await not_offered(context, "QueryFunnel")

    async def QueryJourneys(self, request: QueryJourneysRequest, context: Context) -> QueryJourneysResponse:
        """Refuse: this server does not look for common ways."""
        return await not_offered(context, "QueryJourneys")

    async def QueryPageViews(self, request: QueryPageViewsRequest, context: Context) -> QueryPageViewsResponse:
        """Count the views of each page and the time spent on it."""
        check_interval(request.interval, BY_DAYS)
        page = page_of(request, numbers=2, texts=1)
        scope = await self._scope(request.app, page.date_range or request.date_range, request.interval)
        return await page_views(Figures(self._sources, scope), scope, page, request.url)

    async def QueryClickTargets(self, request: QueryClickTargetsRequest, context: Context) -> QueryClickTargetsResponse:
        """Count the clicks on each element."""
        check_interval(request.interval, BY_DAYS)
        page = page_of(request, numbers=2, texts=2)
        scope = await self._scope(request.app, page.date_range or request.date_range, request.interval)
        return await click_targets(Figures(self._sources, scope), scope, page, request.current_url)

    async def QueryPlatforms(self, request: QueryPlatformsRequest, context: Context) -> QueryPlatformsResponse:
        """Count the distinct visitors of each browser, operating system or device."""
        check_dimension(request.dimension)
        scope = await self._scope(request.app, request.date_range)
        return await platforms(Figures(self._sources, scope), scope, request.dimension)

    async def QueryTraffic(self, request: QueryTrafficRequest, context: Context) -> QueryTrafficResponse:
        """Count events and visitors over time."""
        check_interval(request.interval, BY_HOURS_TOO)
        scope = await self._scope(request.app, request.date_range, request.interval)
        return await traffic(Figures(self._sources, scope), scope, request.interval)

    async def ListDeviceEvents(self, request: ListDeviceEventsRequest, context: Context) -> ListDeviceEventsResponse:
        """List what one visitor did, oldest first."""
        if not request.device_id:
            raise InvalidRequestError("device_id", "A visitor is required.")
        page = page_of(request, numbers=1, texts=1)
        scope = await self._scope(request.app, page.date_range or request.date_range)
        return await device_events(self._sources, scope, page, request.device_id)

    async def _scope(
        self, app_id: str, date_range: DateRange, interval: Interval.ValueType = INTERVAL_UNSPECIFIED
    ) -> Scope:
        app = await self._directory.app(app_id)
        return await scope_of(self._store, app, date_range, interval, now_s=self._now())
