"""Rows of totals ranked by their counts, and read page by page.

Most rows are only ranked: their durations are decoded when they make the page.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from google.protobuf.message import Message

from eventmanager.date_ranges import Period
from eventmanager.facts import Key, Totals
from eventmanager.paging import Page, Place, fitting
from eventmanager.reports.totals import Selection

_Row = TypeVar("_Row", bound=Message)
_Rank: TypeAlias = tuple[int, Key]
"""The negative sum of a row's counts, and its key: the least comes first."""


class Ranked(NamedTuple):
    """One row of a report: its interval, its key, and its totals over the interval."""

    period: Period
    key: Key
    totals: Totals


async def ranked_page(
    selection: Selection, page: Page, message_of: Callable[[Ranked], _Row]
) -> tuple[Sequence[_Row], str]:
    """Return a page of rows by date, then by the sum of their counts, most first, then by key; and the next page's
    token, empty on the last page.
    """
    start, after = _resume(page.after)
    places: list[Place] = []
    messages: list[_Row] = []
    for period in selection.scope.periods:
        ordinal = period.start.toordinal()
        if ordinal < start or len(messages) > page.size:
            continue
        missing = page.size + 1 - len(messages)
        rows_of_period = await _first_rows(selection, period, missing, after if ordinal == start else None)
        places += (Place((ordinal, -hits), key) for (hits, key), _ in rows_of_period)
        messages += await asyncio.to_thread(_messages, rows_of_period, period, message_of)
    rows = fitting(messages, page.size)
    token = page.token(places[len(rows) - 1], selection.scope.span.as_range()) if len(rows) < len(messages) else ""
    return rows, token


def _resume(after: Place | None) -> tuple[int, _Rank | None]:
    if after is None:
        return 0, None
    ordinal, hits = after.numbers
    return ordinal, (-hits, after.texts)


def _messages(
    rows: Sequence[tuple[_Rank, Totals]], period: Period, message_of: Callable[[Ranked], _Row]
) -> Sequence[_Row]:
    return [message_of(Ranked(period, key, totals)) for (_, key), totals in rows]


async def _first_rows(
    selection: Selection, period: Period, most: int, after: _Rank | None
) -> Sequence[tuple[_Rank, Totals]]:
    """Return the first rows of an interval after a rank, at most so many."""
    totals = await selection.of_period(period)
    # In threads, for a busy day has pages and elements by the hundred thousand.
    ranks = await asyncio.to_thread(_first, totals.hits, selection.wanted, most, after)
    sums = await totals.sums({key for _, key in ranks})
    # A live day that reached the end of its time between two readings has lost its rows.
    return [(rank, sums[rank[1]]) for rank in ranks if rank[1] in sums]


def _first(hits: Mapping[Key, int], wanted: Callable[[Key], bool], most: int, after: _Rank | None) -> Sequence[_Rank]:
    ranks: Iterable[_Rank] = ((-count, key) for key, count in hits.items() if wanted(key))
    if after is not None:
        ranks = (rank for rank in ranks if rank > after)
    return heapq.nsmallest(most, ranks)
