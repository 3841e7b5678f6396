"""What a recount keeps: one cell for each report, in the format of `storage/v1/recount.proto`, compressed with zstd.

A table of totals is one cell. A table of visitors is one cell with its counts, so that a day by itself is read at once,
and for each shard one with the visitors' hashes, so that days unite exactly. Where one would not hold them, each of
several has those whose hashes lie in its range; the first of them says how many there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import zstandard
from live.eventmanager.storage.v1.recount_pb2 import (
    RecountedDay,
    RecountedRow,
    RecountedTotals,
    RecountedVisitorCount,
    RecountedVisitorCounts,
    RecountedVisitors,
    RecountedVisitorSet,
    RecountKey,
)

from eventmanager.facts import Key, SetTable, Totals, TotalsRow, TotalsTable

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

    visitors: Sequence[tuple[Key, Sequence[int]]]
    cells: int


def report_of(table: TotalsTable | SetTable, shard: int | None = None, cell: int = 0, cells: int = 1) -> str:
    """Name the cell of a table's totals or counts or, given a shard, one of those of its visitors there.

    Names tell how many there are: of two recounts one may find a visitor more, whose event was not acknowledged, and
    spread them over other ranges.
    """
    name: str = table.value
    if shard is None:
        return name
    return f"{name}/{shard}/{cell} of {cells}" if cell else f"{name}/{shard}"


def encode_totals(rows: Mapping[Key, Totals]) -> bytes:
    """Write a table's totals."""
    message = RecountedTotals()
    for key, totals in sorted(rows.items()):
        message.rows.append(
            RecountedRow(
                key=_message_of(key),
                counts=totals.counts,
                totals_ms=[durations.total_ms for durations in totals.durations],
                durations=[durations.encode() for durations in totals.durations],
            )
        )
    return _compress(message.SerializeToString(deterministic=True))


def decode_totals(figures: bytes) -> Sequence[TotalsRow]:
    """Read what `encode_totals` wrote."""
    return [
        TotalsRow(_key_of(row.key), tuple(row.counts), tuple(zip(row.totals_ms, row.durations, strict=True)))
        for row in RecountedTotals.FromString(_decompress(figures)).rows
    ]


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


def encode_visitors(visitors: Mapping[Key, Sequence[int]], cells: int = 1) -> bytes:
    """Write the sorted hashes of the visitors under each key, each once there."""
    message = RecountedVisitors(
        sets=(RecountedVisitorSet(key=_message_of(key), visitors=visitors[key]) for key in sorted(visitors)),
        cells=cells,
    )
    return _compress(message.SerializeToString(deterministic=True))


def decode_visitors(figures: bytes) -> VisitorCell:
    """Read what `encode_visitors` wrote."""
    message = RecountedVisitors.FromString(_decompress(figures))
    return VisitorCell([(_key_of(one.key), one.visitors) for one in message.sets], message.cells)


def encode_day(count: DayCount) -> bytes:
    """Write how many events there are."""
    return _compress(RecountedDay(events=count.events, duplicate_events=count.duplicate_events).SerializeToString())


def visitor_rows(visitors: Iterable[tuple[Key, Sequence[int]]], at_once: int) -> Iterator[Sequence[tuple[Key, int]]]:
    """Hand out keys and visitors, so many at a time."""
    for key, hashes in visitors:
        for start in range(0, len(hashes), at_once):
            yield [(key, visitor) for visitor in hashes[start : start + at_once]]


def _message_of(key: Key) -> RecountKey:
    if key and isinstance(key[0], int):
        return RecountKey(numbers=key)
    return RecountKey(texts=key)


def _key_of(message: RecountKey) -> Key:
    return (*message.numbers, *message.texts)


def _compress(encoded: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(encoded)


def _decompress(figures: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(figures, max_output_size=_LARGEST_CELL_BYTES)
