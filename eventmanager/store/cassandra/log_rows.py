"""Rows of the log, and what this process knows of blocks that it could not answer for."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Final, TypeAlias

from eventmanager.blocks import Block, Day, Partition
from eventmanager.store.cassandra.columns import partition_values, ttl_s
from eventmanager.store.cassandra.faults import Fault, StatementError
from eventmanager.store.cassandra.repeater import Repeater
from eventmanager.store.cassandra.statements import Statements

MOST_UNANSWERED: Final = 100_000
"""Most blocks remembered that were not answered for, about 30 MB."""

_BlockKey: TypeAlias = tuple[Partition, bytes]

_log = logging.getLogger(__name__)


class LogRows:
    """Finds and writes log rows.

    A block that was not answered for is likely to come again. This process then knows better than the log does whether
    its facts are in a ledger already: the row may be there with its answer lost.
    """

    def __init__(self, statements: Statements, repeater: Repeater, now: Callable[[], float]) -> None:
        self._statements = statements
        self._repeater = repeater
        self._now = now
        self._is_counted: dict[_BlockKey, bool] = {}

    async def find(self, blocks: Sequence[Block], resent: Set[bytes]) -> tuple[list[Block], list[Block]]:
        """Return those of the blocks that were counted before, and those to be written and counted now.

        Looked up are those of `resent` that this process does not remember; one whose lookup fails is in neither list.
        """
        found = await asyncio.gather(
            *(self._is_known(block) if block.block_id in resent else self._is_remembered(block) for block in blocks),
            return_exceptions=True,
        )
        known: list[Block] = []
        new: list[Block] = []
        for block, is_known in zip(blocks, found, strict=True):
            if isinstance(is_known, BaseException):
                if not isinstance(is_known, StatementError):
                    raise is_known
            else:
                (known if is_known else new).append(block)
        return known, new

    async def write(self, blocks: Sequence[Block]) -> list[Block]:
        """Write blocks, and return those that are acknowledged."""
        self._remember(blocks, is_counted=False)
        acknowledged = await asyncio.gather(*(self._write(block) for block in blocks))
        return [block for block, is_acknowledged in zip(blocks, acknowledged, strict=True) if is_acknowledged]

    def remember_counted(self, blocks: Iterable[Block]) -> None:
        """Remember that the facts of blocks are in a ledger."""
        self._remember(blocks, is_counted=True)

    def forget_answered(self, blocks: Iterable[Block]) -> None:
        """Forget blocks that are answered for: should they come again, the log tells."""
        for block in blocks:
            self._is_counted.pop(_key(block), None)

    def forget_day(self, day: Day) -> None:
        """Forget the blocks of a day that is to be removed."""
        for key in [key for key in self._is_counted if key[0].day == day]:
            del self._is_counted[key]

    def _remember(self, blocks: Iterable[Block], *, is_counted: bool) -> None:
        remembered = self._is_counted
        for block in blocks:
            remembered[_key(block)] = is_counted
        while len(remembered) > MOST_UNANSWERED:
            del remembered[next(iter(remembered))]

    async def _is_remembered(self, block: Block) -> bool:
        return self._is_counted.get(_key(block), False)

    async def _is_known(self, block: Block) -> bool:
        """Tell whether a block was counted. Raises StatementError."""
        remembered = self._is_counted.get(_key(block))
        if remembered is not None:
            return remembered
        statement = self._statements.find_block.bind((*partition_values(block.partition), block.block_id))
        return bool(await self._repeater.execute(statement))

    async def _write(self, block: Block) -> bool:
        statement = self._statements.write_block.bind(
            (
                *partition_values(block.partition),
                block.block_id,
                block.count,
                block.payload,
                ttl_s(block.expire_time_s, self._now()),
            )
        )
        try:
            await self._repeater.execute(statement)
        except StatementError as error:
            level = logging.ERROR if error.fault is Fault.MISTAKE else logging.WARNING
            _log.log(level, "A block of %d events could not be stored: %s", block.count, error.cause)
            return False
        return True


def _key(block: Block) -> _BlockKey:
    return block.partition, block.block_id
