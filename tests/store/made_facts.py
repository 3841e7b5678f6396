"""Blocks and facts as plain values, with no fold between them, and what a store should make of them."""

import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventmanager.blocks import Block, Day, Partition
from eventmanager.events import CLICK, EventRow, Platform
from eventmanager.facts import Addition, Facts, Key, SetTable, Totals, TotalsTable
from eventmanager.store.protocol import FactsOf, Store

DATE: Final = datetime.date(2026, 11, 24)
A_DAY: Final = datetime.timedelta(days=1)
ODD_TEXTS: Final = (
    "",
    " ",
    "\0",
    "a\0b",
    "a\0c",
    "'; DROP TABLE events; --",
    '"quoted" \\ %s ? :day',
    "\u2028\r\n\t\x7f",
    "emoji 😀👩‍👩‍👧",
    "\U0010ffff",
    "é",
    "e\u0301",
    "z" * 2_048,
    "😀" * 2_048,
)
"""Texts that are easily cut, changed or mixed up."""


def block_of(partition: Partition, name: str, events: int = 1, payload: bytes = b"payload") -> Block:
    """Make a block, named so that the same name is the same block again."""
    row: EventRow = (CLICK, "u1", name, 0, 0, Platform("", "", ""), "/home", "buy", -1)
    block_id = hashlib.blake2b(name.encode(), digest_size=16).digest()
    return Block.of(partition, block_id, [row] * events, payload, 0)


def saying(facts: Facts) -> FactsOf:
    """Return a fold that says this of whatever blocks."""
    return lambda _: facts


def one_after_the_other(facts: Mapping[bytes, Facts]) -> Callable[[Sequence[Block]], Facts]:
    """Return a fold of at most one new block in a commit, whose facts are given by its id."""

    def facts_of(blocks: Sequence[Block]) -> Facts:
        [block] = blocks
        return facts[block.block_id]

    return facts_of


def members_of(table: SetTable, partition: Partition, *keys: Key) -> Facts:
    """Say that a partition has members."""
    return Facts({table: {partition: list(keys)}}, {}, [[]])


def totals_of(day: Day, table: TotalsTable, additions: Mapping[Key, Addition]) -> Facts:
    """Say that a day's totals grow."""
    return Facts({}, {day: {table: additions}}, [[]])


async def commit(store: Store, partition: Partition, name: str, facts: Facts) -> None:
    """Commit one new block with its facts."""
    await store.commit([block_of(partition, name)], set(), saying(facts))


async def all_members(store: Store, table: SetTable, partition: Partition) -> list[Key]:
    """Read all set rows of a partition, and return them in the order of their keys."""
    is_first = table is SetTable.USERS_BY_PLATFORM
    pages = [page async for page in store.members(table, partition)]
    return sorted(
        (device_id, *columns) if is_first else (*columns, device_id)
        for page in pages
        for columns, device_ids in page
        for device_id in device_ids
    )


async def all_totals(store: Store, table: TotalsTable, day: Day) -> dict[Key, Totals]:
    """Read a day's totals, and add up rows of the same key."""
    sums: dict[Key, Totals] = {}
    for row in await store.totals(table, day):
        if row.key in sums:
            sums[row.key].merge(row.decode())
        else:
            sums[row.key] = row.decode()
    return sums


async def all_blocks(store: Store, partition: Partition) -> dict[bytes, bytes]:
    """Read a partition's log, as payloads by block id."""
    pages = [page async for page in store.log(partition)]
    rows = [block for page in pages for block in page]
    blocks = {block.block_id: block.payload for block in rows}
    assert len(rows) == len(blocks)
    return blocks
