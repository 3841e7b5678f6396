"""Rows of the log, and what this process knows of blocks that it could not answer for."""

import asyncio
import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Final, TypeAlias, TypeVar

from eventmanager.blocks import Block, Day, Partition
from eventmanager.store.cassandra.columns import partition_values, ttl_s
from eventmanager.store.cassandra.driver_turn import let_driver_send
from eventmanager.store.cassandra.faults import Fault, StatementError
from eventmanager.store.cassandra.mutations import MOST_MUTATION_BYTES
from eventmanager.store.cassandra.repeater import Repeater, batch_of
from eventmanager.store.cassandra.statements import Statements

MOST_UNANSWERED: Final = 100_000
"""Most blocks remembered that were not answered for, about 30 MB."""

_T = TypeVar("_T")
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
        doubtful = [block for block in blocks if block.block_id in resent and _key(block) not in self._is_counted]
        found = await asyncio.gather(*map(self._is_in_log, doubtful), return_exceptions=True)
        is_found = dict(zip(map(_key, doubtful), found, strict=True))
        known: list[Block] = []
        new: list[Block] = []
        for block in blocks:
            key = _key(block)
            is_known = is_found[key] if key in is_found else self._is_counted.get(key, False)
            if isinstance(is_known, BaseException):
                if not isinstance(is_known, StatementError):
                    raise is_known
            else:
                (known if is_known else new).append(block)
        return known, new

    async def write(self, blocks: Sequence[Block], meanwhile: Callable[[], _T]) -> tuple[list[Block], _T]:
        """Write blocks; return those acknowledged, and the result of `meanwhile`, called once the driver has them."""
        self._remember(blocks, is_counted=False)
        mutations = list(_mutations(blocks))
        writes = asyncio.gather(*map(self._write, mutations))
        await let_driver_send()
        try:
            result = meanwhile()
        finally:
            acknowledged = await writes
        written = [mutation for mutation, is_there in zip(mutations, acknowledged, strict=True) if is_there]
        there = {_key(block) for block in itertools.chain.from_iterable(written)}
        # In their order, which visitors' moves depend on.
        return [block for block in blocks if _key(block) in there], result

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

    async def _is_in_log(self, block: Block) -> bool:
        """Look a block up. Raises StatementError."""
        statement = self._statements.find_block.bind((*partition_values(block.partition), block.block_id))
        return bool(await self._repeater.execute(statement))

    async def _write(self, blocks: Sequence[Block]) -> bool:
        """Write blocks of one partition: all of them are there, or none is known to be."""
        now_s = self._now()
        partition = partition_values(blocks[0].partition)
        rows = [
            self._statements.write_block.bind(
                (*partition, block.block_id, block.count, block.payload, ttl_s(block.expire_time_s, now_s))
            )
            for block in blocks
        ]
        try:
            await self._repeater.execute(batch_of(rows) if len(rows) > 1 else rows[0])
        except StatementError as error:
            level = logging.ERROR if error.fault is Fault.MISTAKE else logging.WARNING
            events = sum(block.count for block in blocks)
            _log.log(level, "%d events in %d blocks could not be stored: %s", events, len(blocks), error.cause)
            return False
        return True


def _mutations(blocks: Iterable[Block]) -> Iterator[Sequence[Block]]:
    """Put small blocks of one partition together: a node takes as long for a write as for 60 KB of it."""
    by_partition: defaultdict[Partition, list[Block]] = defaultdict(list)
    for block in blocks:
        by_partition[block.partition].append(block)
    for of_partition in by_partition.values():
        mutation: list[Block] = []
        size = 0
        for block in of_partition:
            if mutation and size + len(block.payload) > MOST_MUTATION_BYTES:
                yield mutation
                mutation = []
                size = 0
            mutation.append(block)
            size += len(block.payload)
        yield mutation


def _key(block: Block) -> _BlockKey:
    return block.partition, block.block_id
