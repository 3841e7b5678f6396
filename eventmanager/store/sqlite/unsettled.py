"""Facts that are committed and wait to go to their table.

They wait in portions: one is settled in some 20 ms, and commits get in between. Where there are many rows, those of
one key go to one portion, so that its row is written once for all commits whose facts wait there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.table_facts import TableFacts

PORTIONS: Final = 16
FULL_PORTION_BYTES: Final = 256 << 10
"""Bytes of a portion's facts, as JSON, with which it is time to settle it: all portions of a table then have those of
200,000 to 2,000,000 events. They take six times as much memory.
"""
MOST_PORTION_BYTES: Final = 4 * FULL_PORTION_BYTES
"""A commit that would add to more settles first."""
_FEW_ROWS: Final = 1_000
"""So few rows of one commit go to one portion: the first, whatever their keys."""


def portions_of(facts: TableFacts) -> Iterator[tuple[int, TableFacts]]:
    """Split one commit's facts of a table, and yield portions with what goes there."""
    if sum(len(rows) for _, rows in facts) <= _FEW_ROWS:
        yield 0, facts
        return
    portions: list[list[tuple[int, list[Any]]]] = [[] for _ in range(PORTIONS)]
    for number, rows in facts:
        parts: list[list[Any]] = [[] for _ in range(PORTIONS)]
        for row in rows:
            # A row of a set is its key, one of totals begins with it; hashes of tuples are spread well.
            key = row[0] if isinstance(row[0], tuple) else row
            parts[hash(key) % PORTIONS].append(row)
        for portion, part in zip(portions, parts, strict=True):
            if part:
                portion.append((number, part))
    for place, portion in enumerate(portions):
        if portion:
            yield place, portion


class _Portion:
    __slots__ = ("bytes", "facts", "ids")

    def __init__(self) -> None:
        self.facts: list[TableFacts] = []
        self.ids: list[int] = []
        """Of the rows that keep the facts."""
        self.bytes = 0


class Unsettled:
    """The facts of one table that the database keeps aside, commit after commit."""

    def __init__(self) -> None:
        self._portions = [_Portion() for _ in range(PORTIONS)]
        self._days: set[Day] = set()
        self._may_be_of_any_day = False

    def add(self, place: int, row_id: int, facts: TableFacts, length: int) -> None:
        """Have facts wait in a portion. `row_id` is that of the row that keeps them, `length` theirs when encoded."""
        portion = self._portions[place]
        portion.facts.append(facts)
        portion.ids.append(row_id)
        portion.bytes += length

    def note_days(self, days: Collection[Day] | None) -> None:
        """Hear which days facts were added of; None for any."""
        if days is None:
            self._may_be_of_any_day = True
        else:
            self._days.update(days)

    def concern(self, day: Day) -> bool:
        """Tell whether some may be of a day."""
        return self._may_be_of_any_day or day in self._days

    def waiting(self) -> Sequence[int]:
        """Return the portions that have facts."""
        return [place for place, portion in enumerate(self._portions) if portion.facts]

    def fullest(self) -> int:
        """Return the portion that has most bytes."""
        return max(range(PORTIONS), key=self.length)

    def length(self, place: int) -> int:
        """Return the bytes of a portion's facts when encoded."""
        return self._portions[place].bytes

    def facts(self, place: int) -> Iterable[TableFacts]:
        """Return the facts of a portion."""
        return self._portions[place].facts

    def row_ids(self, place: int) -> Sequence[int]:
        """Return the ids of the rows that keep a portion's facts."""
        return self._portions[place].ids

    def forget(self, place: int) -> None:
        """Take a portion for settled."""
        self._portions[place] = _Portion()
        if not self.waiting():
            self._days.clear()
            self._may_be_of_any_day = False
