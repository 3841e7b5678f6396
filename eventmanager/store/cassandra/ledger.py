"""A ledger: one process's own totals of one day, absolute, under an id that nobody else writes under.

What is written again is the same or newer, so a write whose answer was lost does no harm.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import Addition, Key, Totals, TotalsTable
from eventmanager.store.cassandra.growing_durations import GrowingDurations
from eventmanager.store.cassandra.waiting_totals import WAITING_TABLES, WaitingRow, WaitingTotals

_NO_COUNTS: Final = (0, 0, 0, 0)


class UnwrittenRow(NamedTuple):
    """A row of totals whose latest values are not known to be written."""

    table: TotalsTable
    key: Key
    totals: Totals


LedgerRow: TypeAlias = UnwrittenRow | WaitingRow


class Ledger:
    """The totals of one day, and which of them are yet to be written.

    What a commit adds waits, but for marks and traffic: the rows that keep it are to be written with the commit, and
    those of the totals themselves in good time.
    """

    __slots__ = (
        "_rows",
        "_unwritten",
        "_unwritten_waiting",
        "_waiting",
        "commits",
        "day",
        "expire_time_s",
        "is_forgotten",
        "is_listed",
        "ledger_id",
        "lock",
        "shard",
        "used_s",
        "waiting_count",
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
        self.waiting_count = 0
        """How many additions wait to be added to the totals."""
        self.is_forgotten = False
        """Whether its day was removed: its rows must not come back."""
        self.lock = asyncio.Lock()
        """Held while rows are written: an older value must not be sent after a newer one."""
        self._rows: dict[TotalsTable, dict[Key, Totals]] = {table: {} for table in TotalsTable}
        self._unwritten: dict[TotalsTable, dict[Key, None]] = {table: {} for table in TotalsTable}
        self._waiting: dict[TotalsTable, WaitingTotals] = {table: WaitingTotals(table) for table in WAITING_TABLES}
        self._unwritten_waiting: dict[tuple[TotalsTable, int], WaitingRow] = {}
        """By table and slot."""

    @property
    def partition(self) -> Partition:
        """Where its rows lie."""
        return Partition(*self.day, self.shard)

    @property
    def is_done(self) -> bool:
        """Nothing of it is to be written, and nothing will be unless somebody asks for it anew."""
        return not (self.commits or self.has_unsettled or self.urgent_count or self.lock.locked())

    @property
    def row_count(self) -> int:
        """How many rows it has, written or not."""
        return sum(map(len, self._rows.values()))

    @property
    def unwritten_count(self) -> int:
        """How many rows are yet to be written, each addition that waits taken for one, and each row that keeps some."""
        kept = sum(waiting.kept_count for waiting in self._waiting.values())
        return sum(map(len, self._unwritten.values())) + len(self._unwritten_waiting) + self.waiting_count + kept

    @property
    def has_unsettled(self) -> bool:
        """Whether something that waited, or waits still, is not in the rows of its table."""
        return not all(waiting.is_settled for waiting in self._waiting.values())

    @property
    def urgent_count(self) -> int:
        """How many rows `take_urgent` would return."""
        return len(self._unwritten_waiting) + len(self._unwritten[TotalsTable.TRAFFIC])

    def last_number(self, table: TotalsTable) -> int:
        """Return the number of the last additions to a table."""
        return self._waiting[table].last_number

    def last_added(self, table: TotalsTable) -> int:
        """Return the number of the last additions to a table that are in the totals."""
        return self._waiting[table].last_added

    def take(self, totals: Mapping[TotalsTable, Mapping[Key, Addition]]) -> None:
        """Take what a commit adds to the totals."""
        for table, additions in totals.items():
            if table is TotalsTable.TRAFFIC:
                for key, addition in additions.items():
                    self._add(table, key, Addition((*addition.counts, 0), ()))
            else:
                self.waiting_count += len(additions)
                for row in self._waiting[table].put(additions):
                    self._unwritten_waiting[table, row.slot] = row

    def add_waiting(self, table: TotalsTable) -> int:
        """Add to a table's totals what has waited longest, and return to how many of them."""
        additions = self._waiting[table].take()
        self.waiting_count -= len(additions)
        for key, addition in additions.items():
            self._add(table, key, addition)
        return len(additions)

    def mark(self, blocks: Iterable[Block]) -> None:
        """Count acknowledged blocks, each in the hour of its first event."""
        for block in blocks:
            self._add(TotalsTable.TRAFFIC, (block.hour,), Addition((*_NO_COUNTS, 1), ()))

    def take_urgent(self) -> list[LedgerRow]:
        """Return what is to be written before a commit is answered, and take it for written from here on."""
        taken: list[LedgerRow] = [*self._unwritten_waiting.values()]
        self._unwritten_waiting = {}
        taken += self.take_unwritten(TotalsTable.TRAFFIC)
        return taken

    def take_unwritten(self, table: TotalsTable) -> Sequence[UnwrittenRow]:
        """Return the rows of a table's totals that are yet to be written, and take them for written from here on.

        In the order of their keys: a node changes less of what it has in memory for rows that lie side by side.
        """
        rows = self._rows[table]
        taken = [UnwrittenRow(table, key, rows[key]) for key in sorted(self._unwritten[table])]
        self._unwritten[table] = {}
        return taken

    def put_back(self, rows: Iterable[LedgerRow]) -> None:
        """Have rows written again whose write failed."""
        for row in rows:
            if isinstance(row, UnwrittenRow):
                self._unwritten[row.table][row.key] = None
            else:
                # What is there by now is newer.
                self._unwritten_waiting.setdefault((row.table, row.slot), row)

    def settle(self, table: TotalsTable) -> None:
        """Hear that all of a table's totals are written: what was added to them need not be kept aside any more."""
        for row in self._waiting[table].settle():
            self._unwritten_waiting[table, row.slot] = row

    def note_written(self, rows: Iterable[LedgerRow]) -> None:
        """Hear of rows that are written, or were put back: slots of those that keep nothing can be used again."""
        for row in rows:
            if isinstance(row, WaitingRow) and row.is_done and (row.table, row.slot) not in self._unwritten_waiting:
                self._waiting[row.table].free(row.slot)

    def _add(self, table: TotalsTable, key: Key, addition: Addition) -> None:
        rows = self._rows[table]
        totals = rows.get(key)
        if totals is None:
            rows[key] = Totals(addition.counts, list(map(GrowingDurations.of, addition.elapsed_ms)))
        else:
            totals.add(addition)
        self._unwritten[table][key] = None
