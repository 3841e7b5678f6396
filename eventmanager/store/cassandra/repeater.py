"""Statements that may be repeated: sent again until they are answered, or patience is over."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from cassandra.query import BatchStatement, BatchType, BoundStatement

from eventmanager.store.cassandra.bridge import Bridge, Rows
from eventmanager.store.cassandra.faults import Fault, StatementError

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


class Repeater:
    """Executes statements, so many at a time. Belongs to one event loop."""

    def __init__(self, bridge: Bridge, most_at_once: int, patience_s: float) -> None:
        """`patience_s` is how long a statement is tried before it is given up, not counting its wait for a turn."""
        self._bridge = bridge
        self._turns = asyncio.Semaphore(most_at_once)
        self._patience_s = patience_s
        self._answered_s = 0.0
        self._given_up_s = 0.0

    async def execute(self, statement: Any) -> Rows:
        """Return the first page of the answer. Raises StatementError, with the last cause, where there is none in time.

        A failure leaves it open whether a write is there, or will be: whoever sends the same or a newer value later
        does no harm. While nothing at all is answered, those that wait for their turn fail with those before them.
        """
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        async with self._turns:
            if self._answered_s < begun_s <= self._given_up_s:
                raise StatementError(Fault.UNKNOWN, "nothing was answered in time")
            try:
                rows = await self._try(statement, loop.time() + self._patience_s)
            except StatementError as error:
                if error.fault is not Fault.MISTAKE:
                    self._given_up_s = loop.time()
                raise
            self._answered_s = loop.time()
            return rows

    async def _try(self, statement: Any, deadline_s: float) -> Rows:
        pause_s = _FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout_at(deadline_s):
                    return await self._bridge.execute(statement)
            except TimeoutError:
                raise StatementError(Fault.UNKNOWN, "it was not answered in time") from None
            except StatementError as error:
                if error.fault is Fault.MISTAKE or loop.time() + pause_s >= deadline_s:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def batch_of(statements: Iterable[BoundStatement]) -> BatchStatement:
    """Put writes to one partition into one mutation: all of them are applied, or none."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = True
    for statement in statements:
        batch.add(statement)
    return batch
