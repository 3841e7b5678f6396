"""QueryPageViews: the views of each page and the time spent on it."""

from live.eventmanager.v1.analytics_service_pb2 import PageViews, QueryPageViewsResponse

from eventmanager.facts import TotalsTable
from eventmanager.paging import Page
from eventmanager.reports.duration_stats import stats_of
from eventmanager.reports.figures import Figures
from eventmanager.reports.ranking import Ranked, ranked_page
from eventmanager.reports.scope import Scope
from eventmanager.reports.totals import Selection


async def page_views(figures: Figures, scope: Scope, page: Page, url: str) -> QueryPageViewsResponse:
    """Tell about every page, or about one. A page that was left but not entered has a row without views."""
    selection = Selection(figures, scope, TotalsTable.VIEWS_BY_PAGE, lambda key: url in ("", key[0]))
    rows, next_page_token = await ranked_page(selection, page, _message_of)
    return QueryPageViewsResponse(info=figures.info(), rows=rows, next_page_token=next_page_token)


def _message_of(ranked: Ranked) -> PageViews:
    return PageViews(
        date=ranked.period.start.isoformat(),
        url=ranked.key[0],
        views=ranked.totals.counts[0],
        elapsed_time=stats_of(ranked.totals.durations[0]),
    )
