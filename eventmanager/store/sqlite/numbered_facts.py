"""Facts whose days and partitions are numbers, and how they are kept until they go to the tables."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import orjson
import zstandard

from eventmanager.blocks import Day
from eventmanager.facts import Facts, Key
from eventmanager.store.sqlite.tables import partition_number

NumberedAddition: TypeAlias = tuple[Key, tuple[int, ...], tuple[Sequence[int], ...]]
"""A key, and the fields of the Addition to its row."""

_COMPRESSION_LEVEL: Final = 1


class NumberedFacts(NamedTuple):
    """The facts of one commit, by the names of tables."""

    members: Sequence[tuple[str, int, Sequence[Key]]]
    """Table, partition, rows."""
    totals: Sequence[tuple[str, int, Sequence[NumberedAddition]]]
    """Table, day, additions."""


def number_facts(facts: Facts, numbers: Mapping[Day, int]) -> NumberedFacts:
    """Put numbers for the days."""
    members = [
        (table.value, partition_number(numbers[partition.day], partition.shard), rows)
        for table, by_partition in facts.members.items()
        for partition, rows in by_partition.items()
        if rows
    ]
    totals = [
        (table.value, numbers[day], [(key, *addition) for key, addition in additions.items()])
        for day, by_table in facts.totals.items()
        for table, additions in by_table.items()
        if additions
    ]
    return NumberedFacts(members, totals)


def encode_facts(facts: NumberedFacts) -> bytes:
    """Write facts as JSON."""
    return orjson.dumps((facts.members, facts.totals), default=list)


def compress(encoded: bytes) -> bytes:
    """Make encoded facts a fifth as large."""
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(encoded)


def decode_facts(compressed: bytes) -> tuple[NumberedFacts, int]:
    """Read what `encode_facts` and `compress` wrote; return it with its length between the two."""
    encoded = zstandard.ZstdDecompressor().decompress(compressed)
    members, totals = orjson.loads(encoded)
    facts = NumberedFacts(
        [(table, partition, [tuple(row) for row in rows]) for table, partition, rows in members],
        [
            (table, day, [(tuple(key), tuple(counts), tuple(elapsed_ms)) for key, counts, elapsed_ms in additions])
            for table, day, additions in totals
        ],
    )
    return facts, len(encoded)
