"""Writes that may be repeated: sent again until they are acknowledged or their time is over."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cassandra.query import BatchStatement, BatchType, BoundStatement

from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.faults import Fault, StatementError

ROWS_A_BATCH: Final = 100
"""Twice as many are hardly cheaper, and a batch that fails is sent again as a whole."""

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


class Writer:
    """Sends writes. Deadlines are by the loop's clock."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def write(self, statement: Any, deadline_s: float) -> None:
        """Return once a write is acknowledged. Raises StatementError, with the last cause, where it is not in time.

        A failure leaves it open whether the write is there, or will be: whoever sends the same or a newer value later
        does no harm.
        """
        pause_s = _FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout_at(deadline_s):
                    await self._bridge.execute(statement)
            except TimeoutError:
                raise StatementError(Fault.UNKNOWN, "it did not answer in time") from None
            except StatementError as error:
                if error.fault is Fault.MISTAKE or loop.time() + pause_s >= deadline_s:
                    raise
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def batch_of(statements: Iterable[BoundStatement]) -> BatchStatement:
    """Put writes to one partition into one mutation: all of them are applied, or none."""
    batch = BatchStatement(BatchType.UNLOGGED)
    batch.is_idempotent = True
    for statement in statements:
        batch.add(statement)
    return batch


def chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Split rows into those of one batch each."""
    return (rows[start : start + ROWS_A_BATCH] for start in range(0, len(rows), ROWS_A_BATCH))
