"""What a recount keeps: one cell for each report, in the format of `storage/v1/recount.proto`, compressed with zstd.

A table of totals is one cell. A table of visitors is one cell with its counts, so that a day by itself is read at once,
and for each shard one with the visitors' hashes, so that days unite exactly. Where one would not hold them, each of
several has those whose hashes lie in its range; the first of them says how many there are.
"""

import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import zstandard
from live.eventmanager.storage.v1.recount_pb2 import (
    RecountedDay,
    RecountedVisitorCount,
    RecountedVisitorCounts,
    RecountedVisitors,
    RecountedVisitorSet,
    RecountKey,
)

from eventmanager.audit.total_columns import TotalColumns, encode_columns
from eventmanager.facts import Key, SetTable, Totals, TotalsTable

Hashes: TypeAlias = "array[int]"
"""Visitors' 64-bit hashes, sorted."""

MOST_MEMBERS: Final = 1_000_000
"""Most hashes in one cell, give or take some: that is 8 MB, and Cassandra takes 16 MB at once."""
MOST_CELLS: Final = 16
"""Most cells for the visitors of one table in one shard."""
MOST_CELL_BYTES: Final = 12 << 20
"""Larger cells are not kept: the reports that need them go on to give live figures."""
DAY: Final = "day"
"""The cell that is written last, when all others are there."""

_COMPRESSION_LEVEL: Final = 3
_LARGEST_CELL_BYTES: Final = 1 << 30


class DayCount(NamedTuple):
    """How many distinct events a day's log has, and how many copies beside them."""

    events: int
    duplicate_events: int
    is_whole: bool
    """Whether all cells are kept: those that would be too large are not."""


class VisitorCell(NamedTuple):
    """The hashes of visitors by key; and over how many cells they are spread, in the first of those."""

    visitors: Sequence[tuple[Key, Hashes]]
    cells: int


def report_of(table: TotalsTable | SetTable, shard: int | None = None, cell: int = 0, cells: int = 1) -> str:
    """Name the cell of a table's totals or counts or, given a shard, one of those of its visitors there.

    Names tell how many there are: of two recounts one may find a visitor more, whose event was not acknowledged, and
    spread them over other ranges.
    """
    name: str = table.value
    if shard is None:
        return name
    return further_reports(f"{name}/{shard}", cells)[cell - 1] if cell else f"{name}/{shard}"


def further_reports(report: str, cells: int) -> Sequence[str]:
    """Name the other cells over which visitors are spread, given the first one's name and how many there are."""
    return [f"{report}/{cell} of {cells}" for cell in range(1, cells)]


def encode_totals(rows: Mapping[Key, Totals]) -> bytes:
    """Write a table's totals."""
    return _compress(encode_columns(rows))


def decode_totals(figures: bytes) -> TotalColumns:
    """Read what `encode_totals` wrote."""
    return TotalColumns.decode(_decompress(figures))


def encode_counts(counts: Mapping[Key, int]) -> bytes:
    """Write how many visitors come under each key."""
    message = RecountedVisitorCounts(
        counts=(RecountedVisitorCount(key=_message_of(key), visitors=count) for key, count in sorted(counts.items()))
    )
    return _compress(message.SerializeToString(deterministic=True))


def decode_counts(figures: bytes) -> Mapping[Key, int]:
    """Read what `encode_counts` wrote."""
    message = RecountedVisitorCounts.FromString(_decompress(figures))
    return {_key_of(count.key): count.visitors for count in message.counts}


def encode_visitors(visitors: Mapping[Key, Hashes], cells: int = 1) -> bytes:
    """Write the sorted hashes of the visitors under each key, each once there."""
    message = RecountedVisitors(
        sets=(RecountedVisitorSet(key=_message_of(key), visitors=_bytes_of(visitors[key])) for key in sorted(visitors)),
        cells=cells,
    )
    return _compress(message.SerializeToString(deterministic=True))


def decode_visitors(figures: bytes) -> VisitorCell:
    """Read what `encode_visitors` wrote."""
    message = RecountedVisitors.FromString(_decompress(figures))
    return VisitorCell([(_key_of(one.key), _hashes_of(one.visitors)) for one in message.sets], message.cells)


def encode_day(count: DayCount) -> bytes:
    """Write how many events there are."""
    return _compress(RecountedDay(events=count.events, duplicate_events=count.duplicate_events).SerializeToString())


def _message_of(key: Key) -> RecountKey:
    if key and isinstance(key[0], int):
        return RecountKey(numbers=key)
    return RecountKey(texts=key)


def _key_of(message: RecountKey) -> Key:
    return (*message.numbers, *message.texts)


def _bytes_of(hashes: Hashes) -> bytes:
    return _little_endian(array("Q", hashes)).tobytes()


def _hashes_of(encoded: bytes) -> Hashes:
    return _little_endian(array("Q", encoded))


def _little_endian(hashes: Hashes) -> Hashes:
    if sys.byteorder == "big":
        hashes.byteswap()
    return hashes


def _compress(encoded: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(encoded)


def _decompress(figures: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(figures, max_output_size=_LARGEST_CELL_BYTES)
