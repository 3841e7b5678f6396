"""QueryButtonActions: how hovers over buttons end, and after how long."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import (
    ActionStats,
    ButtonActions,
    DurationBand,
    QueryButtonActionsResponse,
)

from eventmanager.durations import Durations, bounds_of
from eventmanager.facts import TotalsTable
from eventmanager.paging import Page
from eventmanager.reports.duration_stats import duration_of, stats_of
from eventmanager.reports.figures import Figures
from eventmanager.reports.ranking import Ranked, ranked_page
from eventmanager.reports.scope import Scope
from eventmanager.reports.totals import Selection

_FIRST_BAND_MS: Final = 128


async def button_actions(figures: Figures, scope: Scope, page: Page, target: str) -> QueryButtonActionsResponse:
    """Tell about every button, or about one."""
    selection = Selection(figures, scope, TotalsTable.ACTIONS_BY_BUTTON, lambda key: target in ("", key[0]))
    rows, next_page_token = await ranked_page(selection, page, _message_of)
    return QueryButtonActionsResponse(info=figures.info(), rows=rows, next_page_token=next_page_token)


def click_correlation(leaves: Durations, clicks: Durations) -> float | None:
    """Return Pearson's correlation of the time and of 1 for a click and 0 for leaving; None where it has none.

    From sums alone, in integers: (n Σxy - Σx Σy) / √((n Σx² - (Σx)²) (n Σy² - (Σy)²)), where Σy and Σy² are the clicks
    and Σxy is the clicks' time.
    """
    count = leaves.count + clicks.count
    total_ms = leaves.total_ms + clicks.total_ms
    time_spread = count * (leaves.squares_ms2 + clicks.squares_ms2) - total_ms * total_ms
    click_spread = clicks.count * leaves.count  # n Σy² - (Σy)², as n is clicks and leaves.
    if not time_spread or not click_spread:
        return None
    together = count * clicks.total_ms - total_ms * clicks.count
    # Floats round, and a perfect correlation must not pass 1.
    return max(-1.0, min(1.0, together / math.sqrt(time_spread * click_spread)))


def duration_bands(leaves: Durations, clicks: Durations) -> Sequence[DurationBand]:
    """Tell how often a hover of a given length ends with a click, shortest first."""
    clicked = _by_band(clicks)
    hits = clicked + _by_band(leaves)
    return [
        DurationBand(
            min_time=duration_of(shortest_ms if shortest_ms >= _FIRST_BAND_MS else 0),
            max_time=duration_of(2 * shortest_ms),
            hits=hits[shortest_ms],
            click_share=clicked[shortest_ms] / hits[shortest_ms],
        )
        for shortest_ms in sorted(hits)
    ]


def _by_band(durations: Durations) -> Counter[int]:
    """Count hovers by the power of two that they reach; those under the first band's end by half of it."""
    bands = Counter[int]()
    for bucket, hits in durations.buckets.items():
        shortest_ms, _ = bounds_of(bucket)
        reached = 1 << shortest_ms.bit_length() >> 1  # No bucket crosses a power of two.
        bands[max(reached, _FIRST_BAND_MS // 2)] += hits
    return bands


def _message_of(ranked: Ranked) -> ButtonActions:
    leaves, clicks = ranked.totals.durations
    hits = sum(ranked.totals.counts)
    leave_hits, click_hits = ranked.totals.counts
    return ButtonActions(
        date=ranked.period.start.isoformat(),
        target=ranked.key[0],
        hits=hits,
        hover_leave=ActionStats(share=leave_hits / hits, elapsed_time=stats_of(leaves)),
        hover_click=ActionStats(share=click_hits / hits, elapsed_time=stats_of(clicks)),
        click_correlation=click_correlation(leaves, clicks),
        bands=duration_bands(leaves, clicks),
    )
