"""Totals of an interval: the rows of one table that a report is about, ranked by their hits and added up.

Days are taken from their recounts, which are merged once for all questions, or else from the live tables.
"""

import asyncio
import datetime
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from eventmanager.audit.cells import report_of
from eventmanager.blocks import Day
from eventmanager.date_ranges import Period
from eventmanager.facts import Key, Totals, TotalsRow, TotalsTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.merged_totals import MergedTotals, add_row, add_rows_of
from eventmanager.reports.reading import COUNTED_AT_ONCE, DECODED_AT_ONCE, for_each, in_portions
from eventmanager.reports.recounts import TOTALS
from eventmanager.reports.scope import Scope

MAX_KEPT_ROWS: Final = 100_000
"""Live rows kept with their durations while an interval is ranked, some 50 MB. Those of more are read twice."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Those rows of a table whose keys are wanted, of the days in a scope."""

    figures: Figures
    scope: Scope
    table: TotalsTable
    wanted: Callable[[Key], bool]

    async def of_period(self, period: Period) -> "PeriodTotals":
        """Rank the rows of an interval."""
        dates = self.scope.dates_of(period)
        report = report_of(self.table)
        marks = await self.figures.recounted(TOTALS, {date: [report] for date in dates})
        merged, lost = await self._merged(marks)
        totals = PeriodTotals(self, {date: marks[date] for date in marks if date not in lost}, merged)
        await totals.rank_live([date for date in dates if date not in totals.marks])
        return totals

    async def by_period(self) -> Sequence[Mapping[Key, Totals]]:
        """Add up the rows of each of the intervals."""
        report = report_of(self.table)
        await self.figures.recounted(TOTALS, {date: [report] for date in self.scope.dates})
        by_period = []
        for period in self.scope.periods:
            totals = await self.of_period(period)
            by_period.append(await totals.sums({key for key in totals.hits if self.wanted(key)}))
        return by_period

    async def read_live(
        self, dates: Sequence[datetime.date], take: Callable[[TotalsRow], None], *, at_once: int
    ) -> None:
        """Hand each wanted live row of some days to `take`; after so many, other work goes on."""
        self.figures.are_live(dates)

        async def read_day(date: datetime.date) -> None:
            rows = await self.figures.store.totals(self.table, Day(self.scope.app.app, date))
            async for portion in in_portions(rows, at_once):
                for row in portion:
                    if self.wanted(row.key):
                        take(row)

        await for_each(dates, read_day)

    async def _merged(self, marks: Mapping[datetime.date, bytes]) -> tuple[MergedTotals, Set[datetime.date]]:
        """Merge recounted days, and return them with those days that could not be had any more."""
        name = (self.scope.app.app, self.table, tuple(marks.items()))
        merged: MergedTotals | None = self.figures.kept.get(name)
        if merged is not None:
            return merged, set()
        merged = MergedTotals()
        lost = set(marks)
        async for cells in self.figures.cells(TOTALS, report_of(self.table), marks):
            await asyncio.to_thread(merged.add_hits, list(cells.values()))
            lost -= cells.keys()
        if not lost:
            self.figures.kept.keep(name, merged, merged.size_bytes)
        return merged, lost


@dataclass(slots=True)
class PeriodTotals:
    """The rows of an interval: their hits at once, their sums when asked for."""

    selection: Selection
    marks: Mapping[datetime.date, bytes]
    """The days that were recounted."""
    _merged: MergedTotals
    hits: Mapping[Key, int] = field(init=False)
    """By row the sum of its counts. Those that are not wanted may be among them."""
    _live: Sequence[datetime.date] = field(init=False, default=())
    _live_rows: list[TotalsRow] | None = field(init=False, default=None)
    """None where there are too many."""

    def __post_init__(self) -> None:
        self.hits = self._merged.hits

    async def rank_live(self, dates: Sequence[datetime.date]) -> None:
        """Count the hits of live days, too."""
        if not dates:
            return
        self._live = dates
        self._live_rows = rows = []
        self.hits = hits = dict(self.hits)

        def take(row: TotalsRow) -> None:
            hits[row.key] = hits.get(row.key, 0) + sum(row.counts)
            if self._live_rows is not None:
                rows.append(row)
                if len(rows) > MAX_KEPT_ROWS:
                    self._live_rows = None

        await self.selection.read_live(dates, take, at_once=COUNTED_AT_ONCE)

    async def sums(self, keys: Set[Key]) -> Mapping[Key, Totals]:
        """Add up the rows of some keys, all of them wanted."""
        sums = await self._recounted_sums(keys)
        if self._live_rows is None:
            await self._add_again(sums, self._live, keys)
        else:
            await asyncio.to_thread(_add, sums, self._live_rows, keys)
        return sums

    async def _recounted_sums(self, keys: Set[Key]) -> dict[Key, Totals]:
        sums = await asyncio.to_thread(self._merged.known, keys)
        missing = keys - sums.keys()
        if not missing:
            return sums
        added: dict[Key, Totals] = {}
        lost = set(self.marks)
        report = report_of(self.selection.table)
        async for cells in self.selection.figures.cells(TOTALS, report, self.marks):
            await asyncio.to_thread(add_rows_of, added, list(cells.values()), missing)
            lost -= cells.keys()
        if lost:
            await self._add_again(added, sorted(lost), missing)
        else:
            await asyncio.to_thread(self._merged.keep, added.items())
        return sums | added

    async def _add_again(self, sums: dict[Key, Totals], dates: Sequence[datetime.date], keys: Set[Key]) -> None:
        """Read live days once more, for the rows of some keys."""

        def take(row: TotalsRow) -> None:
            if row.key in keys:
                add_row(sums, row)

        await self.selection.read_live(dates, take, at_once=DECODED_AT_ONCE)


def _add(sums: dict[Key, Totals], rows: Sequence[TotalsRow], keys: Set[Key]) -> None:
    for row in rows:
        if row.key in keys:
            add_row(sums, row)
