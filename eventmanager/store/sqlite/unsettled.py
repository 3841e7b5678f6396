"""Facts that are committed and wait to go to their table.

They wait in portions, by their keys. One is settled in some milliseconds, so that commits get in between, and a row is
written once for all commits whose facts wait there. Rows that lie side by side in the table are in one portion as far
as that can be: then it changes few pages, each in many places.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from eventmanager.blocks import Day
from eventmanager.facts import SetTable
from eventmanager.store.sqlite.portions import (
    FEW_ROWS,
    MOST_SET_ROWS,
    PORTIONS,
    Piece,
    PortionedFacts,
    count_rows,
    sorted_by_portion,
)
from eventmanager.store.sqlite.table_facts import TableFacts
from eventmanager.store.sqlite.tables import Table

_FULL_SET_BYTES: Final = 32 << 10
_FULL_TOTALS_BYTES: Final = 64 << 10
"""Bytes of a portion's facts with which it is time to settle it: all portions of a table then have those of 100,000 to
2,000,000 events. Totals wait for longer, as they are added up.
"""
MOST_FULLNESS: Final = 4.0
"""A commit that would add to a portion with so many times the bytes that it should have settles first."""


class Some(NamedTuple):
    """Facts of a portion that are to be settled at once."""

    place: int
    pieces: Sequence[Piece]


class _Portion:
    __slots__ = ("bytes", "first_id", "pieces")

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.first_id = 0
        """Of the first row that keeps some of them."""
        self.bytes = 0


class Unsettled:
    """The facts of one table that the database keeps aside, commit after commit."""

    def __init__(self, table: Table, settled: Mapping[int, int]) -> None:
        """`settled` tells for each portion the last row of those that keep facts whose facts there are settled."""
        self._table = table
        self._full_bytes = _FULL_SET_BYTES if isinstance(table, SetTable) else _FULL_TOTALS_BYTES
        self._most_rows = MOST_SET_ROWS if isinstance(table, SetTable) else None
        self._settled = settled
        self._portions = [_Portion() for _ in range(PORTIONS)]
        self._few: list[tuple[int, Sequence[Any]]] = []
        """Facts that are not yet sorted by portion."""
        self._few_rows = 0
        self._few_since = 0
        """The first of the rows that keep some of them."""
        self._row_ids: list[int] = []
        self._days: set[Day] = set()
        self._may_be_of_any_day = False
        self.fullest = 0
        """The portion that has most bytes."""

    def add(self, row_id: int, facts: PortionedFacts | TableFacts) -> None:
        """Have facts wait. `row_id` is that of the row that keeps them, later than those before."""
        self._row_ids.append(row_id)
        if isinstance(facts, Mapping):
            self._add_pieces(row_id, facts)
            return
        if not self._few:
            self._few_since = row_id
        self._few += facts
        self._few_rows += count_rows(facts)
        if self._few_rows >= FEW_ROWS:
            self._sort_few()

    def note_days(self, days: Collection[Day] | None) -> None:
        """Hear which days facts were added of; None for any."""
        if days is None:
            self._may_be_of_any_day = True
        else:
            self._days.update(days)

    def concern(self, day: Day) -> bool:
        """Tell whether some may be of a day."""
        return self._may_be_of_any_day or day in self._days

    @property
    def last_id(self) -> int:
        """The last of the rows that keep facts, of which there are some."""
        return self._row_ids[-1]

    def waiting(self) -> Sequence[Sequence[int]]:
        """Return the portions that may have facts, in groups to be settled at once."""
        # Asked first: what is sorted meanwhile is in its portion before it is gone from here.
        is_any_unsorted = bool(self._few)
        groups: list[list[int]] = []
        room = 0
        for place, portion in enumerate(self._portions):
            if portion.pieces or is_any_unsorted:
                if not groups or portion.bytes > room:
                    groups.append([])
                    room = self._full_bytes
                groups[-1].append(place)
                room -= portion.bytes
        return groups

    @property
    def fullness(self) -> float:
        """That of the fullest portion: 1 when it is time to settle it."""
        return self._portions[self.fullest].bytes / self._full_bytes

    def fuller_than(self, fullness: float) -> Iterator[tuple[int, float]]:
        """Yield each portion that is fuller than that, with its fullness."""
        if self.fullness <= fullness:  # As for most commits, which all ask.
            return
        for place, portion in enumerate(self._portions):
            if portion.bytes > fullness * self._full_bytes:
                yield place, portion.bytes / self._full_bytes

    def facts(self, places: Iterable[int]) -> Iterator[bytes]:
        """Yield the pieces of some portions."""
        self._sort_few()
        for place in places:
            for piece in self._portions[place].pieces:
                yield piece.encoded

    def first_facts(self, places: Iterable[int]) -> tuple[Sequence[Some], bool]:
        """Return those of some portions that are to be settled at once, and whether these are all.

        Only rows of sets may be left: they can be put into their table again, while totals would be added twice.
        """
        self._sort_few()
        some: list[Some] = []
        rows = 0
        for place in places:
            pieces = self._portions[place].pieces
            for number, piece in enumerate(pieces):
                rows += piece.rows
                if self._most_rows is not None and rows > self._most_rows:
                    return [*some, Some(place, pieces[:number])], False
            if pieces:
                some.append(Some(place, pieces))
        return some, True

    def forget_some(self, some: Iterable[Some]) -> None:
        """Take facts for settled that `first_facts` returned, where others of their portions are left."""
        for place, pieces in some:
            portion = self._portions[place]
            portion.bytes -= sum(len(piece.encoded) for piece in pieces)
            del portion.pieces[: len(pieces)]
        self._find_fullest()

    def done_ids(self, places: Collection[int]) -> Sequence[int]:
        """Return the rows that keep nothing that waits, once some portions are settled."""
        waiting = (portion for place, portion in enumerate(self._portions) if portion.pieces and place not in places)
        first_id = min((portion.first_id for portion in waiting), default=None)
        return self._row_ids if first_id is None else self._row_ids[: bisect_left(self._row_ids, first_id)]

    def forget(self, places: Collection[int]) -> None:
        """Take portions for settled."""
        done = len(self.done_ids(places))
        del self._row_ids[:done]
        for place in places:
            self._portions[place] = _Portion()
        self._find_fullest()
        if not self._row_ids:
            self._days.clear()
            self._may_be_of_any_day = False

    def _sort_few(self) -> None:
        if self._few:
            self._add_pieces(self._few_since, sorted_by_portion(self._table, self._few))
            # Only now, so that whoever asks in the meantime what waits is told of them.
            self._few, self._few_rows = [], 0

    def _add_pieces(self, row_id: int, facts: PortionedFacts) -> None:
        for place, pieces in facts.items():
            if row_id <= self._settled.get(place, 0):
                continue
            portion = self._portions[place]
            if not portion.pieces:
                portion.first_id = row_id
            portion.pieces += pieces
            portion.bytes += sum(len(piece.encoded) for piece in pieces)
            if portion.bytes > self._portions[self.fullest].bytes:
                self.fullest = place

    def _find_fullest(self) -> None:
        self.fullest = max(range(PORTIONS), key=lambda place: self._portions[place].bytes)
