"""What a recount keeps: one cell for each report, in the format of `storage/v1/recount.proto`, compressed with zstd.

A table of totals is one cell. A table of visitors is one cell with its counts, so that a day by itself is read at once,
and for each shard one with the visitors' hashes, so that days unite exactly.
"""

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
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
"""Most hashes in one cell, which is 8 MB: Cassandra takes 16 MB at once."""
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


def report_of(table: TotalsTable | SetTable, shard: int | None = None) -> str:
    """Name the cell of a table's totals or counts or, given a shard, of its visitors there."""
    return table.value if shard is None else f"{table.value}/{shard}"


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


def encode_visitors(visitors: Mapping[Key, Iterable[int]]) -> bytes:
    """Write the hashes of the visitors under each key, each once there."""
    message = RecountedVisitors(
        sets=(RecountedVisitorSet(key=_message_of(key), visitors=_bytes_of(visitors[key])) for key in sorted(visitors))
    )
    return _compress(message.SerializeToString(deterministic=True))


def decode_visitors(figures: bytes) -> Sequence[tuple[Key, Hashes]]:
    """Read what `encode_visitors` wrote."""
    message = RecountedVisitors.FromString(_decompress(figures))
    return [(_key_of(one.key), _hashes_of(one.visitors)) for one in message.sets]


def encode_day(count: DayCount) -> bytes:
    """Write how many events there are."""
    return _compress(RecountedDay(events=count.events, duplicate_events=count.duplicate_events).SerializeToString())


def _message_of(key: Key) -> RecountKey:
    if key and isinstance(key[0], int):
        return RecountKey(numbers=key)
    return RecountKey(texts=key)


def _key_of(message: RecountKey) -> Key:
    return (*message.numbers, *message.texts)


def _bytes_of(hashes: Iterable[int]) -> bytes:
    return _little_endian(array("Q", sorted(hashes))).tobytes()


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
