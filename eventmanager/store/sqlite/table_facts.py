"""Facts table by table, days and partitions as numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from eventmanager.blocks import Day
from eventmanager.facts import Facts
from eventmanager.store.sqlite.tables import Table, partition_number

TableFacts: TypeAlias = Sequence[tuple[int, Sequence[Any]]]
"""What some blocks say of one table: for a table of sets, partitions with the keys of members; for one of totals, days
with (key, counts, elapsed_ms), as in Addition.
"""


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
