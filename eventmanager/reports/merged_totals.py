"""Totals of several recounted days, merged: every row's hits, and the sums of those rows that were asked for."""

from collections.abc import Iterable, Set
from typing import Final

from eventmanager.audit.total_columns import TotalColumns
from eventmanager.facts import Key, Totals, TotalsRow

MOST_SUMS: Final = 2_000
"""Rows whose sums are kept. They are those that were shown, hence few."""
_SUM_BYTES: Final = 1_000
_ROW_BYTES: Final = 400


class MergedTotals:
    """The totals of some days."""

    def __init__(self) -> None:
        self.hits: dict[Key, int] = {}
        """By row the sum of its counts."""
        self._sums: dict[Key, TotalsRow] = {}

    @property
    def size_bytes(self) -> int:
        """About the memory that it takes, or will."""
        return _ROW_BYTES * len(self.hits) + _SUM_BYTES * min(MOST_SUMS, len(self.hits))

    def add_hits(self, days: Iterable[TotalColumns]) -> None:
        """Count the hits of some more days."""
        hits = self.hits
        get = hits.get
        for columns in days:
            for key, more in zip(columns.keys(), columns.hits(), strict=True):
                hits[key] = get(key, 0) + more

    def known(self, keys: Set[Key]) -> dict[Key, Totals]:
        """Return the sums of those rows that are kept, to be added to."""
        kept = ((key, self._sums.get(key)) for key in keys)
        return {key: row.decode() for key, row in kept if row is not None}

    def keep(self, sums: Iterable[tuple[Key, Totals]]) -> None:
        """Keep the sums of some rows, over all days."""
        for key, totals in sums:
            if len(self._sums) >= MOST_SUMS:
                self._sums.clear()
            self._sums[key] = encoded(key, totals)


def encoded(key: Key, totals: Totals) -> TotalsRow:
    """Encode a row."""
    durations = tuple((durations.total_ms, durations.encode()) for durations in totals.durations)
    return TotalsRow(key, tuple(totals.counts), durations)


def add_row(sums: dict[Key, Totals], row: TotalsRow) -> None:
    """Decode a row and add it to the sum of its key."""
    totals = row.decode()
    known = sums.get(row.key)
    if known is None:
        sums[row.key] = totals
    else:
        known.merge(totals)


def add_rows_of(sums: dict[Key, Totals], days: Iterable[TotalColumns], keys: Set[Key]) -> None:
    """Add the rows of some keys on some days."""
    for columns in days:
        for row in columns.rows_of(keys):
            add_row(sums, row)
