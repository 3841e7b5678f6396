"""Rows of totals ranked by their counts, and read page by page.

Most rows are only ranked: their durations are decoded when they make the page.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias, TypeVar

from google.protobuf.message import Message

from eventmanager.date_ranges import Period
from eventmanager.facts import Key, Totals, TotalsRow
from eventmanager.paging import Page, Place, fitting
from eventmanager.reports.reading import COUNTED_AT_ONCE, DECODED_AT_ONCE
from eventmanager.reports.totals import Selection, add_row

_Row = TypeVar("_Row", bound=Message)
_Rank: TypeAlias = tuple[int, Key]
"""The negative sum of a row's counts, and its key: the least comes first."""

MAX_KEPT_ROWS: Final = 100_000
"""Rows kept with their durations while an interval is ranked, some 50 MB. Those of a longer interval are read twice."""


class Ranked(NamedTuple):
    """One row of a report: its interval, its key, and its totals over the interval."""

    period: Period
    key: Key
    totals: Totals


class _Ranking:
    """Ranks the rows of one interval."""

    def __init__(self) -> None:
        self.hits: dict[Key, int] = {}
        self._kept: list[TotalsRow] | None = []

    def take(self, row: TotalsRow) -> None:
        self.hits[row.key] = self.hits.get(row.key, 0) + sum(row.counts)
        if self._kept is not None:
            self._kept.append(row)
            if len(self._kept) > MAX_KEPT_ROWS:
                self._kept = None

    def first(self, most: int, after: _Rank | None) -> Sequence[_Rank]:
        ranks: Iterable[_Rank] = ((-hits, key) for key, hits in self.hits.items())
        if after is not None:
            ranks = (rank for rank in ranks if rank > after)
        return heapq.nsmallest(most, ranks)

    def sums(self, keys: Set[Key]) -> dict[Key, Totals] | None:
        """Add up the rows of some keys, or return None where they must be read again."""
        if self._kept is None:
            return None
        sums: dict[Key, Totals] = {}
        for row in self._kept:
            if row.key in keys:
                add_row(sums, row)
        return sums


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
    dates = selection.scope.dates_of(period)
    ranking = _Ranking()
    await selection.read(dates, lambda _, row: ranking.take(row), at_once=COUNTED_AT_ONCE)
    # In threads, for a busy day has pages and elements by the hundred thousand.
    ranks = await asyncio.to_thread(ranking.first, most, after)
    keys = {key for _, key in ranks}
    sums = await asyncio.to_thread(ranking.sums, keys)
    if sums is None:
        again: dict[Key, Totals] = {}
        sums = again
        chosen = replace(selection, wanted=keys.__contains__)
        await chosen.read(dates, lambda _, row: add_row(again, row), at_once=DECODED_AT_ONCE)
    # A day that reached the end of its time between the two readings has lost its rows.
    return [(rank, sums[rank[1]]) for rank in ranks if rank[1] in sums]
