"""A ledger: one process's own totals of one day, absolute, under an id that nobody else writes under.

What is written again is the same or newer, so a write whose answer was lost does no harm.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import Addition, Key, Totals, TotalsTable
from eventmanager.store.cassandra.growing_durations import GrowingDurations

_NO_COUNTS: Final = (0, 0, 0, 0)


class UnwrittenRow(NamedTuple):
    """A row of totals whose latest values are not known to be written."""

    table: TotalsTable
    key: Key
    totals: Totals


class Ledger:
    """The totals of one day, and which of them are yet to be written."""

    __slots__ = (
        "_rows",
        "_unwritten",
        "commits",
        "day",
        "expire_time_s",
        "is_listed",
        "ledger_id",
        "lock",
        "shard",
        "used_s",
    )

    def __init__(self, day: Day, ledger_id: uuid.UUID, shard: int) -> None:
        self.day = day
        self.ledger_id = ledger_id
        self.shard = shard
        self.commits = 0
        """How many commits under way use it."""
        self.used_s = 0.0
        """When it was last used, by the loop's clock."""
        self.expire_time_s = 0
        self.is_listed = False
        """Whether `days` is known to name it."""
        self.lock = asyncio.Lock()
        """Held while rows are written: an older value must not be sent after a newer one."""
        self._rows: dict[TotalsTable, dict[Key, Totals]] = {table: {} for table in TotalsTable}
        self._unwritten: dict[TotalsTable, dict[Key, None]] = {table: {} for table in TotalsTable}

    @property
    def partition(self) -> Partition:
        """Where its rows lie."""
        return Partition(*self.day, self.shard)

    @property
    def is_done(self) -> bool:
        """Nothing of it is to be written, and nothing will be unless somebody asks for it anew."""
        return not (self.commits or self.unwritten_count or self.lock.locked())

    @property
    def row_count(self) -> int:
        """How many rows it has, written or not."""
        return sum(map(len, self._rows.values()))

    @property
    def unwritten_count(self) -> int:
        """How many rows are yet to be written."""
        return sum(map(len, self._unwritten.values()))

    def add(self, totals: Mapping[TotalsTable, Mapping[Key, Addition]]) -> None:
        """Add to the totals."""
        for table, additions in totals.items():
            for key, addition in additions.items():
                if table is TotalsTable.TRAFFIC:
                    self._add(table, key, Addition((*addition.counts, 0), ()))
                else:
                    self._add(table, key, addition)

    def mark(self, blocks: Iterable[Block]) -> None:
        """Count acknowledged blocks, each in the hour of its first event."""
        for block in blocks:
            self._add(TotalsTable.TRAFFIC, (block.hour,), Addition((*_NO_COUNTS, 1), ()))

    def take_unwritten(self) -> list[UnwrittenRow]:
        """Return the rows that are yet to be written, and take them for written from here on.

        In the order of their keys: a node changes less of what it has in memory for rows that lie side by side.
        """
        taken = []
        for table in TotalsTable:
            rows = self._rows[table]
            taken += [UnwrittenRow(table, key, rows[key]) for key in sorted(self._unwritten[table])]
            self._unwritten[table] = {}
        return taken

    def put_back(self, rows: Iterable[UnwrittenRow]) -> None:
        """Have rows written again whose write failed."""
        for row in rows:
            self._unwritten[row.table][row.key] = None

    def _add(self, table: TotalsTable, key: Key, addition: Addition) -> None:
        rows = self._rows[table]
        totals = rows.get(key)
        if totals is None:
            rows[key] = Totals(addition.counts, list(map(GrowingDurations.of, addition.elapsed_ms)))
        else:
            totals.add(addition)
        self._unwritten[table][key] = None
