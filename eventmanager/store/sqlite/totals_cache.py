"""Rows of totals lately written, decoded, so that adding to them again neither reads nor decodes them."""

from collections import OrderedDict
from typing import Final, TypeAlias

from eventmanager.facts import Key, Totals

RowName: TypeAlias = tuple[str, int, Key]
"""Table, day and key."""

MOST_CACHED_ROWS: Final = 16_384
"""A row takes half a kilobyte, or ten where its durations are many and spread: 8 to 160 MB in all."""


class TotalsCache:
    """The rows used last."""

    def __init__(self, most_rows: int = MOST_CACHED_ROWS) -> None:
        self._most_rows = most_rows
        self._rows: OrderedDict[RowName, Totals] = OrderedDict()

    def __contains__(self, name: RowName) -> bool:
        return name in self._rows

    def use(self, name: RowName) -> Totals | None:
        """Return a row, to be read and added to, or None where it is not cached."""
        totals = self._rows.get(name)
        if totals is not None:
            self._rows.move_to_end(name)
        return totals

    def put(self, name: RowName, totals: Totals) -> None:
        """Cache a row as it is written now."""
        self._rows[name] = totals

    def trim(self) -> None:
        """Forget the rows used longest ago where there are too many."""
        while len(self._rows) > self._most_rows:
            self._rows.popitem(last=False)

    def forget(self) -> None:
        """Forget all rows."""
        self._rows.clear()
