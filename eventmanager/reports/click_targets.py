"""QueryClickTargets: the clicks on each element of each page."""

from live.eventmanager.v1.analytics_service_pb2 import ClickTarget, QueryClickTargetsResponse

from eventmanager.facts import TotalsTable
from eventmanager.paging import Page
from eventmanager.reports.duration_stats import stats_of
from eventmanager.reports.figures import Figures
from eventmanager.reports.ranking import Ranked, ranked_page
from eventmanager.reports.scope import Scope
from eventmanager.reports.totals import Selection


async def click_targets(figures: Figures, scope: Scope, page: Page, current_url: str) -> QueryClickTargetsResponse:
    """Tell about the elements of every page, or of one."""
    selection = Selection(figures, scope, TotalsTable.CLICKS_BY_TARGET, lambda key: current_url in ("", key[0]))
    rows, next_page_token = await ranked_page(selection, page, _message_of)
    return QueryClickTargetsResponse(info=figures.info(), rows=rows, next_page_token=next_page_token)


def _message_of(ranked: Ranked) -> ClickTarget:
    current_url, target = ranked.key
    return ClickTarget(
        date=ranked.period.start.isoformat(),
        current_url=current_url,
        target=target,
        clicks=ranked.totals.counts[0],
        elapsed_time=stats_of(ranked.totals.durations[0]),
    )
