"""Settles totals: what commits added goes to the rows of its table, side by side with later commits.

One after the other, in pieces of a few milliseconds, and between commits as long as not much waits.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from eventmanager.blocks import Day
from eventmanager.facts import TotalsTable
from eventmanager.store.cassandra.commit_turns import CommitTurns
from eventmanager.store.cassandra.faults import StatementError
from eventmanager.store.cassandra.ledger import Ledger
from eventmanager.store.cassandra.ledgers import Ledgers
from eventmanager.store.cassandra.waiting_totals import WAITING_TABLES

_INTERVAL_S: Final = 0.3
"""A row is written once for all commits of so long."""
_RETRY_S: Final = 1.0
_FEW_ADDITIONS: Final = 10_000
"""While no more wait, commits go first. All of them are read for a report."""
_MOST_ADDITIONS: Final = 60_000
"""While more wait, no commit begins: some 30 MB."""
_ROWS_A_TURN: Final = 200
"""After as many commits go first again."""
_ROWS_A_PIECE: Final = 400
_ROWS_A_LARGE_PIECE: Final = 4_000
"""Where much waits: an event then costs less, and commits wait for longer."""

_log = logging.getLogger(__name__)


class Settling:
    """Settles the ledgers' totals by itself, from when it is made until it is closed. Belongs to one event loop."""

    def __init__(self, ledgers: Ledgers, patience_s: float) -> None:
        """`patience_s` is how long a commit waits at most until there is room for more."""
        self._ledgers = ledgers
        self._turns = CommitTurns()
        self._patience_s = patience_s
        self._has_some = asyncio.Event()
        self._is_in_haste = asyncio.Event()
        self._has_progress = asyncio.Event()
        self._is_closing = False
        self._done = 0
        """Rows since commits last went first."""
        self._writing = asyncio.Lock()
        self._task = asyncio.get_running_loop().create_task(self._run())

    @asynccontextmanager
    async def commit(self) -> AsyncIterator[None]:
        """Have what waits wait for a commit, which begins once there is room for what it adds, or patience is over."""
        await self._wait_for_room()
        try:
            with self._turns.commit():
                yield
        finally:
            self._wake()

    async def _wait_for_room(self) -> None:
        if self._ledgers.waiting_count <= _MOST_ADDITIONS:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while self._ledgers.waiting_count > _MOST_ADDITIONS:
                    self._has_progress.clear()
                    await self._has_progress.wait()

    async def close(self) -> None:
        """Settle what waits, as far as that goes, and end."""
        self._is_closing = True
        self._has_some.set()
        self._is_in_haste.set()
        await self._task

    @property
    def _is_late(self) -> bool:
        return self._ledgers.waiting_count > _FEW_ADDITIONS

    async def forget(self, day: Day) -> None:
        """Forget a day that is to be removed. Nothing of it is being written when this returns."""
        async with self._writing:
            self._ledgers.forget(day)

    def _wake(self) -> None:
        self._has_some.set()
        if self._is_late:
            self._is_in_haste.set()

    async def _run(self) -> None:
        while not self._is_closing:
            await self._has_some.wait()
            self._has_some.clear()
            unwritten = await self._settle_all()
            if unwritten:
                _log.warning("%d rows are yet to be written, and are tried again.", unwritten)
                self._has_some.set()
                await asyncio.sleep(_RETRY_S)
            elif not self._is_late:
                self._is_in_haste.clear()
                await self._pause()
        await self._settle_all()

    async def _pause(self) -> None:
        if not self._is_closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_S):
                    await self._is_in_haste.wait()

    async def _settle_all(self) -> int:
        """Try to settle what waits, and return how many rows are left."""
        unwritten = 0
        for ledger in self._ledgers.unsettled():
            try:
                await self._settle(ledger)
            except StatementError:
                unwritten += ledger.unwritten_count
            except Exception:  # noqa: BLE001 - as in the store: the next try may do better, and nobody else would try.
                unwritten += ledger.unwritten_count
                _log.exception("Could not write totals; they stay to be written.")
        return unwritten

    async def _settle(self, ledger: Ledger) -> None:
        """Settle a ledger's totals. Raises StatementError; what was not written is to be written still."""
        for table in WAITING_TABLES:
            # Not what comes meanwhile, which may never end.
            last = ledger.last_number(table)
            while ledger.last_added(table) < last:
                await self._give_way(ledger.add_waiting(table))
                self._has_progress.set()
            await self._write(ledger, table)
            ledger.settle(table)
        async with self._writing:
            if not ledger.is_forgotten:
                await self._ledgers.write(ledger)

    async def _write(self, ledger: Ledger, table: TotalsTable) -> None:
        rows = ledger.take_unwritten(table)
        try:
            while rows:
                size = _ROWS_A_LARGE_PIECE if self._is_late else _ROWS_A_PIECE
                piece, rows = rows[:size], rows[size:]
                await self._give_way(len(piece))
                async with self._writing:
                    if not ledger.is_forgotten:
                        await self._ledgers.write_rows(ledger, piece)
        finally:
            ledger.put_back(rows)

    async def _give_way(self, rows: int) -> None:
        """Let commits go first that are under way, unless little was done since or much waits."""
        await asyncio.sleep(0)
        self._done += rows
        if self._done >= _ROWS_A_TURN and not self._is_closing:
            self._done = 0
            if not self._is_late:
                await self._turns.wait()
