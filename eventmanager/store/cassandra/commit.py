"""One commit: log rows, then the facts of those acknowledged and their marks, then the answer. Each block has its own.

Blocks are folded while their log rows are written: see docs/adr/011-blocks-are-folded-while-they-are-written.md. Marks
go with the totals: see docs/adr/012-marks-go-with-the-totals.md.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, TypeAlias

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import NO_FACTS, Facts, Key, SetTable
from eventmanager.store.cassandra.driver_turn import let_driver_send
from eventmanager.store.cassandra.faults import StatementError
from eventmanager.store.cassandra.ledger import Ledger
from eventmanager.store.cassandra.ledgers import Ledgers
from eventmanager.store.cassandra.log_rows import LogRows
from eventmanager.store.cassandra.set_rows import SetRow, SetRows
from eventmanager.store.cassandra.settling import Settling
from eventmanager.store.protocol import BlockOutcome, FactsOf

Members: TypeAlias = Mapping[SetTable, Mapping[Partition, Sequence[Key]]]
MembersOf: TypeAlias = Callable[[Sequence[Block]], Members]
"""Tells the set rows of blocks, those written before included."""

MOST_UNWRITTEN_ROWS: Final = 200_000
"""Where more rows than these are yet to be written, nothing new is taken: some 200 MB."""


class Commits:
    """Commits blocks."""

    def __init__(
        self,
        log_rows: LogRows,
        set_rows: SetRows,
        ledgers: Ledgers,
        settling: Settling,
        members_of: MembersOf,
    ) -> None:
        self._settling = settling
        self._log_rows = log_rows
        self._set_rows = set_rows
        self._ledgers = ledgers
        self._members_of = members_of

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        """Do what Store.commit says."""
        async with self._settling.commit():
            return await self._commit(blocks, resent, facts_of)

    async def _commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        outcomes = {id(block): BlockOutcome.UNAVAILABLE for block in blocks}
        if self._ledgers.unwritten_count + self._set_rows.unwritten_count <= MOST_UNWRITTEN_ROWS:
            async with AsyncExitStack() as used:
                ledgers = await self._use_ledgers(used, blocks)
                listed = [block for block in blocks if block.partition.day in ledgers]
                known, new = await self._log_rows.find(listed, resent)
                stored, facts = await self._write_and_fold(new, facts_of)
                settled = await self._count(stored, facts, known, ledgers)
            self._log_rows.forget_answered(settled)
            outcomes |= {id(block): BlockOutcome.UNSETTLED for block in stored}
            outcomes |= {id(block): BlockOutcome.STORED for block in settled}
            outcomes |= {id(block): BlockOutcome.KNOWN for block in known if outcomes[id(block)] is BlockOutcome.STORED}
        return [outcomes[id(block)] for block in blocks]

    async def _use_ledgers(self, used: AsyncExitStack, blocks: Sequence[Block]) -> Mapping[Day, Ledger]:
        """Return the ledgers of the blocks' days, but for those that `days` could not be told of."""
        by_day: defaultdict[Day, list[Block]] = defaultdict(list)
        for block in blocks:
            by_day[block.partition.day].append(block)
        ledgers = await asyncio.gather(
            *(used.enter_async_context(self._ledgers.use(day, day_blocks)) for day, day_blocks in by_day.items()),
            return_exceptions=True,
        )
        return {day: ledger for day, ledger in zip(by_day, _checked(ledgers), strict=True) if ledger is not None}

    async def _write_and_fold(self, new: Sequence[Block], facts_of: FactsOf) -> tuple[list[Block], Facts]:
        """Write blocks to the log and fold them meanwhile; return those acknowledged, and what they say."""
        if not new:
            return [], NO_FACTS
        stored, facts = await self._log_rows.write(new, meanwhile=partial(facts_of, new))
        if len(stored) < len(new):
            facts = facts_of(stored) if stored else NO_FACTS
        return stored, facts

    async def _count(
        self, stored: Sequence[Block], facts: Facts, known: Sequence[Block], ledgers: Mapping[Day, Ledger]
    ) -> list[Block]:
        """Write the facts of blocks that are in the log, and return the blocks of which all facts and marks are there.

        What fails is in a ledger or kept all the same, and is written later.
        """
        expire_times_s = {block.partition: block.expire_time_s for block in itertools.chain(stored, known)}
        # All partitions: where all events are copies, rows of theirs may be among those left behind.
        set_rows: dict[Partition, list[SetRow]] = {partition: [] for partition in expire_times_s}
        _add_members(set_rows, facts.members, expire_times_s)
        if known:
            # Whoever stored them may have died before these were written.
            _add_members(set_rows, self._members_of(known), expire_times_s)
        writing_sets = asyncio.get_running_loop().create_task(self._set_rows.write(set_rows))
        await let_driver_send()
        for day, totals in facts.totals.items():
            ledgers[day].take(totals)
        self._log_rows.remember_counted(stored)
        acknowledged: defaultdict[Day, list[Block]] = defaultdict(list)
        for block in itertools.chain(stored, known):
            acknowledged[block.partition.day].append(block)
        for day, day_blocks in acknowledged.items():
            ledgers[day].mark(day_blocks)

        lacking, written = await asyncio.gather(
            writing_sets, self._write_ledgers({day: ledgers[day] for day in acknowledged})
        )
        return [
            block
            for block in itertools.chain(stored, known)
            if block.partition not in lacking and block.partition.day in written
        ]

    async def _write_ledgers(self, ledgers: Mapping[Day, Ledger]) -> Set[Day]:
        """Write days' ledgers, and return the days of which all rows are there."""

        async def is_written(ledger: Ledger) -> bool:
            try:
                await self._ledgers.write(ledger)
            except StatementError:
                return False
            return True

        written = await asyncio.gather(*map(is_written, ledgers.values()))
        return {day for day, is_there in zip(ledgers, written, strict=True) if is_there}


def _add_members(
    set_rows: Mapping[Partition, list[SetRow]], members: Members, expire_times_s: Mapping[Partition, int]
) -> None:
    for table, by_partition in members.items():
        for partition, keys in by_partition.items():
            expire_time_s = expire_times_s[partition]
            # Sorted, as a node changes less of what it has in memory for rows that lie side by side.
            set_rows[partition] += [(table, key, expire_time_s) for key in sorted(keys)]


def _checked(ledgers: Iterable[Ledger | BaseException]) -> Iterable[Ledger | None]:
    """Take a statement that failed for no ledger; raise whatever else went wrong."""
    for ledger in ledgers:
        if isinstance(ledger, Ledger):
            yield ledger
        elif isinstance(ledger, StatementError):
            yield None
        else:
            raise ledger
