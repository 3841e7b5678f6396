"""The figures of a day while they are counted again: the facts of one part of the log after the other."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from eventmanager.audit.moves import Moves
from eventmanager.audit.part_memory import PartMemory
from eventmanager.audit.visitor_sets import VisitorSets
from eventmanager.blocks import Block, Partition
from eventmanager.events import FUNNEL_CHANGE, EventRow
from eventmanager.facts import Key, SetTable, Totals, TotalsTable
from eventmanager.fold import fold
from eventmanager.visitor_hashes import VisitorHashes

_VISITOR_COLUMN: Final[Mapping[SetTable, int]] = {
    SetTable.USERS_BY_STAGE: 1,
    SetTable.USERS_BY_PLATFORM: 0,
    SetTable.STAGE_GRAPH: 2,
}


def split_row(table: SetTable, row: Key) -> tuple[Key, str]:
    """Take the visitor out of a row of a set."""
    column = _VISITOR_COLUMN[table]
    return row[:column] + row[column + 1 :], row[column]


class PartFigures:
    """Folds distinct events of some visitors, a heap of rows at a time and in any order."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._memory = PartMemory()
        self._hashes = VisitorHashes()
        self.moves = Moves()
        self.totals: dict[TotalsTable, dict[Key, Totals]] = {table: {} for table in TotalsTable}
        self.visitors: dict[SetTable, VisitorSets] = {table: VisitorSets() for table in SetTable}

    def add(self, rows: Sequence[EventRow]) -> None:
        """Fold rows."""
        facts = fold([Block.of(self._partition, b"", rows, b"", 0)], self._memory)
        self._memory.forget()
        for by_table in facts.totals.values():
            for totals_table, additions in by_table.items():
                sums = self.totals[totals_table]
                for key, addition in additions.items():
                    if key in sums:
                        sums[key].add(addition)
                    else:
                        sums[key] = Totals.of(addition)
        # Not edges: which stage a visitor left is known for certain once all moves are there.
        for table in (SetTable.USERS_BY_STAGE, SetTable.USERS_BY_PLATFORM):
            for members in facts.members[table].values():
                self._add_members(table, members)
        moves = [row for row in rows if row[0] == FUNNEL_CHANGE]
        self.moves.add(moves, self._hashes.of(row[1] for row in moves))

    def finish(self) -> Iterator[None]:
        """Take all events for told, a step at a time: follow visitors' moves, and have each once under a key."""
        edges = self.visitors[SetTable.STAGE_GRAPH].by_key
        for some in self.moves.edges(self._partition):
            for key, visitor in some:
                edges[key].append(visitor)
            yield
        self.moves = Moves()
        for sets in self.visitors.values():
            yield from sets.tidy()

    def _add_members(self, table: SetTable, members: Sequence[Key]) -> None:
        by_key = self.visitors[table].by_key
        column = _VISITOR_COLUMN[table]
        for row, visitor in zip(members, self._hashes.of(row[column] for row in members), strict=True):
            by_key[row[:column] + row[column + 1 :]].append(visitor)


class GatheredFigures:
    """Sums up the figures of parts, none of which has a visitor of another."""

    def __init__(self) -> None:
        self.totals: dict[TotalsTable, dict[Key, Totals]] = {table: {} for table in TotalsTable}
        self.counts: dict[SetTable, Counter[Key]] = {table: Counter() for table in SetTable}
        """Distinct visitors by the columns that `Store.member_counts` counts by."""
        self._visitors: dict[SetTable, VisitorSets] = {table: VisitorSets() for table in SetTable}

    def add(self, part: PartFigures) -> None:
        """Add the figures of a part that is finished."""
        for totals_table, rows in part.totals.items():
            sums = self.totals[totals_table]
            for key, totals in rows.items():
                if key in sums:
                    sums[key].merge(totals)
                else:
                    sums[key] = totals
        for table, sets in part.visitors.items():
            if table is SetTable.USERS_BY_PLATFORM:
                everyone = sets.everyone()
                if everyone:
                    self.counts[table][()] += everyone
            else:
                self.counts[table].update({key: len(hashes) for key, hashes in sets.by_key.items()})
            if self._visitors[table].by_key:
                self._visitors[table].merge(sets)
            else:
                self._visitors[table] = sets

    def tidy(self) -> Iterator[None]:
        """Sort the visitors of the shard that was gathered, a step at a time."""
        for sets in self._visitors.values():
            yield from sets.tidy()

    def take_visitors(self) -> Mapping[SetTable, VisitorSets]:
        """Return the visitors of the shard that was gathered, and begin with the next."""
        visitors, self._visitors = self._visitors, {table: VisitorSets() for table in SetTable}
        return visitors
