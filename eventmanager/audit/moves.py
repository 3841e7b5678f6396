"""Visitors' moves from stage to stage, kept small until all are there: their order tells which stage was left."""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, Final

from eventmanager.audit.part_memory import PartMemory
from eventmanager.blocks import Block, Partition
from eventmanager.events import FUNNEL_CHANGE, NO_TIME_MS, EventRow, Platform
from eventmanager.facts import Key, SetTable
from eventmanager.fold import fold

_HEAPS: Final = 64
_MOVE: Final = Struct("<QqiiH")
"""The visitor's hash, time_ns, the stages entered and left, and how many bytes of event id follow."""
_NO_PLATFORM: Final = Platform("", "", "")


class Moves:
    """The funnel changes of some visitors. Each visitor's are in one heap."""

    def __init__(self) -> None:
        self._heaps = [bytearray() for _ in range(_HEAPS)]

    @property
    def size_bytes(self) -> int:
        """How much memory they take."""
        return sum(map(len, self._heaps))

    def add(self, rows: Iterable[EventRow], visitors: Iterable[int]) -> None:
        """Keep funnel changes, each of the visitor with a hash."""
        heaps = self._heaps
        pack = _MOVE.pack
        for row, visitor in zip(rows, visitors, strict=True):
            event_id = row[2].encode()
            heaps[visitor & 63] += pack(visitor, row[3], row[6], row[7], len(event_id)) + event_id

    def edges(self, partition: Partition) -> Iterator[Sequence[tuple[Key, int]]]:
        """Fold one heap after the other in its order, and yield each edge with the hash of a visitor who took it."""
        for heap in self._heaps:
            facts = fold([Block.of(partition, b"", _in_order(heap), b"", 0)], PartMemory())
            yield [
                ((left, entered), visitor)
                for rows in facts.members[SetTable.STAGE_GRAPH].values()
                for left, entered, visitor in rows
            ]


def _in_order(heap: bytearray) -> Sequence[EventRow]:
    """Return a heap's moves as rows for the fold, which asks of ids only which are equal and which is the greater.

    UTF-8 sorts as the text does. What else a row tells is in other tables, and left out.
    """
    moves: list[tuple[Any, ...]] = []
    start = 0
    while start < len(heap):
        visitor, time_ns, entered, left, id_bytes = _MOVE.unpack_from(heap, start)
        start += _MOVE.size + id_bytes
        moves.append((time_ns, bytes(heap[start - id_bytes : start]), visitor, entered, left))
    moves.sort()
    return [
        (FUNNEL_CHANGE, visitor, event_id, time_ns, 0, _NO_PLATFORM, entered, left, NO_TIME_MS)
        for time_ns, event_id, visitor, entered, left in moves
    ]
