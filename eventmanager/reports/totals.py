"""Totals: the rows of one table that a report is about, read and added up."""

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from eventmanager.blocks import Day
from eventmanager.facts import Key, Totals, TotalsRow, TotalsTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.reading import DECODED_AT_ONCE, for_each, in_portions
from eventmanager.reports.scope import Scope


@dataclass(frozen=True, slots=True)
class Selection:
    """Those rows of a table whose keys are wanted, of the days in a scope."""

    figures: Figures
    scope: Scope
    table: TotalsTable
    wanted: Callable[[Key], bool]

    async def read(
        self, dates: Collection[datetime.date], take: Callable[[datetime.date, TotalsRow], None], *, at_once: int
    ) -> None:
        """Hand each row of some days to `take`, the days in no particular order; after so many, other work goes on."""

        async def read_day(date: datetime.date) -> None:
            rows = await self.figures.totals(self.table, Day(self.scope.app.app, date))
            async for portion in in_portions(rows, at_once):
                for row in portion:
                    if self.wanted(row.key):
                        take(date, row)

        await for_each(dates, read_day)

    async def by_period(self) -> Sequence[Mapping[Key, Totals]]:
        """Add up the rows of each of the intervals."""
        by_period: list[dict[Key, Totals]] = [{} for _ in self.scope.periods]
        sums_of = {
            date: sums
            for period, sums in zip(self.scope.periods, by_period, strict=True)
            for date in self.scope.dates_of(period)
        }
        await self.read(self.scope.dates, lambda date, row: add_row(sums_of[date], row), at_once=DECODED_AT_ONCE)
        return by_period


def add_row(sums: dict[Key, Totals], row: TotalsRow) -> None:
    """Decode a row and add it to the sum of its key."""
    totals = row.decode()
    known = sums.get(row.key)
    if known is None:
        sums[row.key] = totals
    else:
        known.merge(totals)
