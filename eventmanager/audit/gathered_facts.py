"""The figures of a day while they are counted again: the facts of one part of the log after the other."""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Final

from eventmanager.audit.cells import MOST_MEMBERS
from eventmanager.blocks import Block, Partition
from eventmanager.facts import Facts, Key, SetTable, Totals, TotalsTable
from eventmanager.memory import RememberedVisitors, StageBefore
from eventmanager.visitor_hashes import hash_visitor

_VISITOR_COLUMN: Final[Mapping[SetTable, int]] = {
    SetTable.USERS_BY_STAGE: 1,
    SetTable.USERS_BY_PLATFORM: 0,
    SetTable.STAGE_GRAPH: 2,
}


class PartMemory:
    """What the fold is to know of a part whose events are distinct and in order: nothing but what it has folded."""

    def __init__(self) -> None:
        self._visitors = RememberedVisitors()
        self.stages_before: deque[StageBefore] = deque(maxlen=0)
        """Keeps nothing: there is nothing to undo."""

    def copies(self, block: Block) -> list[int]:  # noqa: ARG002 - none is one.
        """Return the positions in a block of copies."""
        return []

    def visitors(self, partition: Partition) -> RememberedVisitors:  # noqa: ARG002 - all are of one.
        """Return what is remembered of a partition's visitors."""
        return self._visitors


def split_row(table: SetTable, row: Key) -> tuple[Key, str]:
    """Take the visitor out of a row of a set."""
    column = _VISITOR_COLUMN[table]
    return row[:column] + row[column + 1 :], row[column]


class GatheredVisitors:
    """The visitors of one table in one shard, by the table's other columns."""

    def __init__(self, most_members: int) -> None:
        self._most_members = most_members
        self._members = 0
        self.hashes: defaultdict[Key, array[int]] | None = defaultdict(lambda: array("Q"))
        """None where there are too many."""

    def add(self, key: Key, device_id: str) -> None:
        """Add a visitor who is not yet there."""
        if self.hashes is not None:
            self.hashes[key].append(hash_visitor(device_id))
            self._members += 1
            if self._members > self._most_members:
                self.hashes = None


class GatheredFacts:
    """Sums up facts."""

    def __init__(self, most_members: int = MOST_MEMBERS) -> None:
        self._most_members = most_members
        self.totals: dict[TotalsTable, dict[Key, Totals]] = {table: {} for table in TotalsTable}
        self.counts: dict[SetTable, Counter[Key]] = {table: Counter() for table in SetTable}
        """Distinct visitors by the columns that `Store.member_counts` counts by."""
        self._visitors = self._no_visitors()

    def add(self, facts: Facts) -> None:
        """Add the facts of a part, whose visitors are in no other."""
        for by_table in facts.totals.values():
            for table, additions in by_table.items():
                sums = self.totals[table]
                for key, addition in additions.items():
                    if key in sums:
                        sums[key].add(addition)
                    else:
                        sums[key] = Totals.of(addition)
        for set_table, by_partition in facts.members.items():
            for rows in by_partition.values():
                self._add_members(set_table, rows)

    def take_visitors(self) -> Mapping[SetTable, GatheredVisitors]:
        """Return the visitors of the shard that was gathered, and begin with the next."""
        visitors, self._visitors = self._visitors, self._no_visitors()
        return visitors

    def _add_members(self, table: SetTable, rows: Sequence[Key]) -> None:
        distinct = set(rows)
        add = self._visitors[table].add
        counts = self.counts[table]
        if table is SetTable.USERS_BY_PLATFORM:
            everyone = len({row[0] for row in distinct})
            if everyone:
                counts[()] += everyone
        for row in distinct:
            key, device_id = split_row(table, row)
            add(key, device_id)
            if table is not SetTable.USERS_BY_PLATFORM:
                counts[key] += 1

    def _no_visitors(self) -> dict[SetTable, GatheredVisitors]:
        return {table: GatheredVisitors(self._most_members) for table in SetTable}
