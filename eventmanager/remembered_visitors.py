"""What is remembered of a partition's visitors: which rows of them were lately written, and on which stage they are."""

from collections import defaultdict
from itertools import islice
from typing import Final, TypeAlias

from eventmanager.block_sums import Stage
from eventmanager.facts import Key, SetTable

_PARTS_FORGOTTEN: Final = 32

StageBefore: TypeAlias = tuple[dict[str, Stage], str, Stage | None]
"""A partition's stages by visitor, a visitor, and the stage that was theirs, if any."""


class RememberedVisitors:
    """Some visitors of one partition."""

    __slots__ = ("_row_count", "_written", "stage_of")

    def __init__(self) -> None:
        self._written: dict[SetTable, defaultdict[Key, set[str]]] = {table: defaultdict(set) for table in SetTable}
        """The visitors by a row's other columns."""
        self._row_count = 0
        self.stage_of: dict[str, Stage] = {}
        """By visitor the latest stage entered."""

    def __len__(self) -> int:
        return self._row_count + len(self.stage_of)

    def count(self, table: SetTable) -> int:
        """Return how many rows of a table are remembered."""
        return sum(map(len, self._written[table].values()))

    def add_rows(self, table: SetTable, columns: Key, visitors: set[str]) -> set[str]:
        """Take the rows of some visitors for written that have these other columns; return whose were not lately."""
        written = self._written[table][columns]
        new = visitors - written
        written |= new
        self._row_count += len(new)
        return new

    def forget_some(self) -> None:
        """Forget a part of everything, as far as can be told the oldest: little enough not to keep others waiting."""
        for table, by_columns in self._written.items():
            left = self.count(table) // _PARTS_FORGOTTEN + 1
            for columns, visitors in list(by_columns.items()):
                forgotten = set(islice(visitors, min(left, len(visitors) // _PARTS_FORGOTTEN + 1)))
                visitors -= forgotten
                self._row_count -= len(forgotten)
                left -= len(forgotten)
                if not visitors:
                    del by_columns[columns]
                if not left:
                    break
        for visitor in list(islice(self.stage_of, len(self.stage_of) // _PARTS_FORGOTTEN + 1)):
            del self.stage_of[visitor]

    def forget_rows(self, *tables: SetTable) -> None:
        """Forget which rows of some tables were written: they may not be there."""
        for table in tables:
            self._row_count -= self.count(table)
            self._written[table].clear()
