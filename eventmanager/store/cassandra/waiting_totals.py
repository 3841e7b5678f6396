"""Additions to totals that wait: a commit writes them as one row a table, and they go to their table's rows later.

See docs/adr/013-totals-wait-in-cassandra.md.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import orjson
import zstandard

from eventmanager.facts import Addition, Key, TotalsTable

WAITING_TABLES: Final[Sequence[TotalsTable]] = tuple(table for table in TotalsTable if table is not TotalsTable.TRAFFIC)
"""The tables whose additions wait. The rows of `traffic` are few, and have the marks."""
MOST_ADDITIONS: Final = 2_000
"""Most that wait as one: to add as many to their ledger's totals takes some 8 ms, in which nothing else is done."""
_MOST_BYTES: Final = 1 << 19
"""Most of a row, but for a single addition: with the longest names 2,000 are more than a node takes."""
_COMPRESSION_LEVEL: Final = 1
_NOTHING: Final = b""


class WaitingRow(NamedTuple):
    """A row that keeps additions, or that kept some."""

    table: TotalsTable
    slot: int
    number: int
    additions: bytes
    """As `encode_additions` wrote them; nothing once they are in the table's rows."""

    @property
    def is_done(self) -> bool:
        """Whether it keeps nothing any more."""
        return not self.additions


class _Waiting(NamedTuple):
    slot: int
    number: int
    additions: Mapping[Key, Addition]


class WaitingTotals:
    """What is to be added to one table's rows of a ledger, in its order, and the slots of the rows that keep it.

    Additions have numbers, 1 and up, so that a row of totals can tell which of them are in it.
    """

    __slots__ = ("_added", "_free_slots", "_slots", "_table", "_waiting", "last_added", "last_number")

    def __init__(self, table: TotalsTable) -> None:
        self._table = table
        self._waiting: deque[_Waiting] = deque()
        self._added: list[WaitingRow] = []
        """What is to replace rows that keep additions which the ledger has in its totals, once those are written."""
        self._slots = 0
        self._free_slots: list[int] = []
        self.last_number = 0
        self.last_added = 0
        """The number of the last that the ledger has in its totals."""

    @property
    def kept_count(self) -> int:
        """How many rows keep additions."""
        return len(self._waiting) + len(self._added)

    @property
    def is_settled(self) -> bool:
        """Whether all are in the table's rows."""
        return not self.kept_count

    def put(self, additions: Mapping[Key, Addition]) -> Iterator[WaitingRow]:
        """Have additions wait, and yield the rows that are to keep them."""
        for some, encoded in _encoded_parts(additions):
            self.last_number += 1
            waiting = _Waiting(self._take_slot(), self.last_number, some)
            self._waiting.append(waiting)
            yield WaitingRow(self._table, waiting.slot, waiting.number, encoded)

    def take(self) -> Mapping[Key, Addition]:
        """Return the additions that have waited longest, and take them for added. Empty where none wait."""
        if not self._waiting:
            return {}
        waiting = self._waiting.popleft()
        self._added.append(WaitingRow(self._table, waiting.slot, waiting.number, _NOTHING))
        self.last_added = waiting.number
        return waiting.additions

    def settle(self) -> Sequence[WaitingRow]:
        """Hear that all rows that changed are written; return what is to replace the rows that kept the additions."""
        added, self._added = self._added, []
        return added

    def free(self, slot: int) -> None:
        """Hear that the row of a slot keeps nothing."""
        heapq.heappush(self._free_slots, slot)

    def _take_slot(self) -> int:
        # The lowest, so that those who read find few rows.
        if self._free_slots:
            return heapq.heappop(self._free_slots)
        self._slots += 1
        return self._slots - 1


def encode_additions(additions: Mapping[Key, Addition]) -> bytes:
    """Write additions as JSON, [[key, counts, elapsed_ms], …], compressed with zstd."""
    rows = [(key, *addition) for key, addition in additions.items()]
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(orjson.dumps(rows, default=list))


def decode_additions(encoded: bytes) -> Mapping[Key, Addition]:
    """Read what `encode_additions` wrote."""
    rows = orjson.loads(zstandard.ZstdDecompressor().decompress(encoded))
    return {tuple(key): Addition(tuple(counts), tuple(elapsed_ms)) for key, counts, elapsed_ms in rows}


def _encoded_parts(additions: Mapping[Key, Addition]) -> Iterator[tuple[Mapping[Key, Addition], bytes]]:
    """Yield additions as large as may wait as one, and how they are written."""
    if not additions:
        return
    if len(additions) <= MOST_ADDITIONS:
        encoded = encode_additions(additions)
        if len(encoded) <= _MOST_BYTES or len(additions) == 1:
            yield additions, encoded
            return
    items = list(additions.items())
    for half in (items[: len(items) // 2], items[len(items) // 2 :]):
        yield from _encoded_parts(dict(half))
