"""The ledgers that a process has: opened for a day's first block, written with every commit, dropped when idle."""

import asyncio
import contextlib
import itertools
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from eventmanager.blocks import Block, Day
from eventmanager.store.cassandra.columns import cql_date, ttl_s
from eventmanager.store.cassandra.encoded_rows import EncodedRows, encode_totals, encode_waiting
from eventmanager.store.cassandra.faults import StatementError
from eventmanager.store.cassandra.ledger import Ledger, LedgerRow, UnwrittenRow
from eventmanager.store.cassandra.mutations import write_rows
from eventmanager.store.cassandra.repeater import Repeater
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.waiting_totals import WaitingRow


@dataclass(frozen=True, slots=True)
class LedgerBounds:
    """What keeps the memory that ledgers take within bounds."""

    idle_s: float = 600
    """A ledger unused for so long is dropped. A late event opens a new one, under a new id."""
    most_rows: int = 200_000
    """Where all ledgers together have more rows, 200 to 500 MB, those longest unused are dropped as if idle."""


class Ledgers:
    """Keeps at most one current ledger for each day, and dropped ones until all their rows are written."""

    def __init__(
        self,
        statements: Statements,
        repeater: Repeater,
        now: Callable[[], float],
        new_id: Callable[[], uuid.UUID],
        bounds: LedgerBounds,
    ) -> None:
        self._statements = statements
        self._repeater = repeater
        self._now = now
        self._new_id = new_id
        self._bounds = bounds
        self._current: dict[Day, Ledger] = {}
        self._dropped: list[Ledger] = []

    @property
    def unwritten_count(self) -> int:
        """How many rows are yet to be written."""
        return sum(ledger.unwritten_count for ledger in self._all())

    @property
    def waiting_count(self) -> int:
        """How many additions wait to be added to totals."""
        return sum(ledger.waiting_count for ledger in self._all())

    @asynccontextmanager
    async def use(self, day: Day, blocks: Sequence[Block]) -> AsyncIterator[Ledger]:
        """Give a day's current ledger, once `days` names it. Raises StatementError.

        The blocks are the day's that are at hand: a new ledger takes one of their shards, by its id, so that ledgers
        are spread as visitors are, and its expiry is theirs.
        """
        ledger = self._current.get(day)
        if ledger is None:
            ledger_id = self._new_id()
            shards = sorted({block.partition.shard for block in blocks})
            ledger = Ledger(day, ledger_id, shards[zlib.crc32(ledger_id.bytes) % len(shards)])
            self._current[day] = ledger
        ledger.used_s = asyncio.get_running_loop().time()
        ledger.expire_time_s = blocks[-1].expire_time_s
        ledger.commits += 1
        try:
            if not ledger.is_listed:
                values = (day.app, cql_date(day.date), ledger.ledger_id, ledger.shard, self._ttl_s(ledger))
                await self._repeater.execute(self._statements.write_day.bind(values))
                ledger.is_listed = True
            yield ledger
        finally:
            ledger.commits -= 1

    async def write(self, ledger: Ledger) -> None:
        """Write what a commit is not answered without. Raises StatementError; what failed is to be written still."""
        async with ledger.lock:
            rows = ledger.take_urgent()
            try:
                await self.write_rows(ledger, rows)
            finally:
                ledger.note_written(rows)

    async def write_rows(self, ledger: Ledger, rows: Sequence[LedgerRow]) -> None:
        """Write rows of a ledger that were taken from it. Raises StatementError; what failed has been put back."""
        await write_rows(self._repeater, rows, partial(self._encode, ledger, self._ttl_s(ledger)), ledger.put_back)

    def unsettled(self) -> Sequence[Ledger]:
        """Return the ledgers that have something which is not in the rows of its table."""
        return [ledger for ledger in self._all() if ledger.has_unsettled]

    async def write_all(self) -> int:
        """Try to write what commits have left unwritten, but for what waits; return how many rows are left.

        A ledger that a commit is using is that commit's to write, rows left by earlier ones included.
        """
        left_behind = [ledger for ledger in self._all() if ledger.urgent_count and not ledger.commits]
        await asyncio.gather(*(self._write_all_of(ledger) for ledger in left_behind))
        return sum(ledger.urgent_count for ledger in left_behind)

    def drop_unused(self) -> None:
        """Drop the ledgers that nobody has used for a while, or that there is no room for: later blocks open others."""
        idle_since_s = asyncio.get_running_loop().time() - self._bounds.idle_s
        row_count = sum(ledger.row_count for ledger in self._all())
        for ledger in sorted(self._current.values(), key=lambda ledger: ledger.used_s):
            if ledger.used_s < idle_since_s or row_count > self._bounds.most_rows:
                row_count -= ledger.row_count
                self._dropped.append(self._current.pop(ledger.day))
        self._dropped = [ledger for ledger in self._dropped if not ledger.is_done]

    def forget(self, day: Day) -> None:
        """Forget a day that is to be removed, and whatever was yet to be written of it."""
        for ledger in self._all():
            if ledger.day == day:
                ledger.is_forgotten = True
        self._current.pop(day, None)
        self._dropped = [ledger for ledger in self._dropped if ledger.day != day]

    def _all(self) -> list[Ledger]:
        return [*self._current.values(), *self._dropped]

    def _ttl_s(self, ledger: Ledger) -> int:
        return ttl_s(ledger.expire_time_s, self._now())

    async def _write_all_of(self, ledger: Ledger) -> None:
        # What fails is still to be written, which is all there is to say.
        with contextlib.suppress(StatementError):
            await self.write(ledger)

    def _encode(self, ledger: Ledger, ttl: int, rows: Sequence[LedgerRow]) -> list[EncodedRows]:
        totals = [row for row in rows if isinstance(row, UnwrittenRow)]
        encoded = [
            encode_totals(self._statements.write_totals[table], ledger, list(alike), ttl)
            for table, alike in itertools.groupby(totals, lambda row: row.table)
        ]
        waiting = [row for row in rows if isinstance(row, WaitingRow)]
        if waiting:
            encoded.append(encode_waiting(self._statements.write_waiting, ledger, waiting, ttl))
        return encoded
