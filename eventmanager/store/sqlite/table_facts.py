"""Facts table by table, days and partitions as numbers, and how they are kept until they go to their tables."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson
import zstandard

from eventmanager.blocks import Day
from eventmanager.facts import Facts, SetTable
from eventmanager.store.sqlite.tables import Table, partition_number

TableFacts: TypeAlias = Sequence[tuple[int, Sequence[Any]]]
"""What some blocks say of one table: for a table of sets, partitions with the keys of members; for one of totals, days
with (key, counts, elapsed_ms), as in Addition.
"""

_COMPRESSION_LEVEL: Final = 1


def facts_by_table(facts: Facts, numbers: Mapping[Day, int]) -> Mapping[Table, TableFacts]:
    """Sort facts by table, and put numbers for their days. Tables of which they say nothing are left out."""
    by_table: dict[Table, list[tuple[int, Sequence[Any]]]] = {}
    for set_table, by_partition in facts.members.items():
        for partition, keys in by_partition.items():
            if keys:
                number = partition_number(numbers[partition.day], partition.shard)
                by_table.setdefault(set_table, []).append((number, keys))
    for day, by_totals_table in facts.totals.items():
        for totals_table, additions in by_totals_table.items():
            if additions:
                rows = [(key, *addition) for key, addition in additions.items()]
                by_table.setdefault(totals_table, []).append((numbers[day], rows))
    return by_table


def encode_facts(facts: TableFacts) -> bytes:
    """Write facts as JSON."""
    return orjson.dumps(facts, default=list)


def facts_compressor() -> zstandard.ZstdCompressor:
    """Return what makes encoded facts a fifth as large. Not to be shared between threads."""
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)


def decode_facts(table: Table, compressed: bytes) -> tuple[TableFacts, int]:
    """Read what `encode_facts` wrote and a compressor made of it; return it with its length between the two."""
    encoded = zstandard.ZstdDecompressor().decompress(compressed)
    facts = orjson.loads(encoded)
    if isinstance(table, SetTable):
        return [(partition, [tuple(key) for key in keys]) for partition, keys in facts], len(encoded)
    return [(day, [tuple(map(tuple, row)) for row in rows]) for day, rows in facts], len(encoded)
