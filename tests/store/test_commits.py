"""What a store makes of commits."""

from collections.abc import Sequence

import pytest

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import NO_FACTS, Addition, Facts, SetTable, Totals, TotalsTable
from eventmanager.store.protocol import BlockOutcome, Store
from tests.store.conftest import OpenStore
from tests.store.made_facts import (
    A_DAY,
    DATE,
    all_blocks,
    all_members,
    all_totals,
    block_of,
    one_after_the_other,
    saying,
    totals_of,
)

STORED, KNOWN = BlockOutcome.STORED, BlockOutcome.KNOWN
HOME_FOR_SIX_S = Addition((1,), ([6_000],))


def hits_of(day: Day) -> Facts:
    """Say that a stage was hit once."""
    return totals_of(day, TotalsTable.TIME_BY_STAGE, {(0,): HOME_FOR_SIX_S})


async def test_new_blocks_are_stored(store: Store, day: Day) -> None:
    """Each in its partition, of any day and shard, with its payload."""
    partitions = [Partition(*day, 0), Partition(*day, 255), Partition(day.app, DATE + A_DAY, 0)]
    blocks = [block_of(partition, f"{place}", payload=bytes([place])) for place, partition in enumerate(partitions)]
    outcomes = await store.commit(blocks, set(), saying(NO_FACTS))

    assert [STORED] * 3 == outcomes
    assert [{block.block_id: block.payload} for block in blocks] == [
        await all_blocks(store, partition) for partition in partitions
    ]


async def test_nothing_is_committed(store: Store) -> None:
    """No blocks have no outcomes."""
    assert [] == await store.commit([], set(), saying(NO_FACTS))


async def test_one_id_in_two_partitions(store: Store, day: Day) -> None:
    """They are two blocks: what is known of one does not count for the other."""
    first, second = block_of(Partition(*day, 0), "same"), block_of(Partition(*day, 1), "same")
    await store.commit([first], set(), saying(NO_FACTS))
    outcomes = await store.commit([first, second], {first.block_id}, saying(NO_FACTS))

    assert [KNOWN, STORED] == outcomes


async def test_a_block_resent_is_known(store: Store, partition: Partition) -> None:
    """Only the others of the commit are folded, and their facts alone count."""
    first, second, third = (block_of(partition, name) for name in ("first", "second", "third"))
    await store.commit([first, second], set(), saying(hits_of(partition.day)))
    folded: list[Sequence[Block]] = []

    def facts_of(blocks: Sequence[Block]) -> Facts:
        folded.append(blocks)
        return hits_of(partition.day)

    outcomes = await store.commit([first, third, second], {first.block_id, second.block_id}, facts_of)

    assert [KNOWN, STORED, KNOWN] == outcomes
    assert [[third]] == [list(blocks) for blocks in folded]
    assert {(0,): Totals.of(Addition((2,), ([6_000, 6_000],)))} == await all_totals(
        store, TotalsTable.TIME_BY_STAGE, partition.day
    )


async def test_resent_alone(store: Store, partition: Partition) -> None:
    """A block in two commits counts once, and one that is not there is stored although it is resent."""
    block = block_of(partition, "resent")
    facts_of = one_after_the_other({block.block_id: hits_of(partition.day)})
    outcomes = [await store.commit([block], {block.block_id}, facts_of) for _ in range(3)]

    assert [[STORED], [KNOWN], [KNOWN]] == outcomes
    assert {block.block_id: block.payload} == await all_blocks(store, partition)
    assert {(0,): Totals.of(HOME_FOR_SIX_S)} == await all_totals(store, TotalsTable.TIME_BY_STAGE, partition.day)


async def test_a_block_sent_twice_lies_in_the_log_once(store: Store, partition: Partition) -> None:
    """Also where nobody says that it is resent."""
    block = block_of(partition, "twice")
    for _ in range(2):
        await store.commit([block], set(), saying(NO_FACTS))

    assert {block.block_id: block.payload} == await all_blocks(store, partition)


async def test_a_fold_that_fails(store: Store, partition: Partition) -> None:
    """Its own error comes out, none of the facts count, and the blocks may be committed afterwards."""
    block = block_of(partition, "failing")

    def fail(_: Sequence[Block]) -> Facts:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.commit([block], set(), fail)
    totals_after = await all_totals(store, TotalsTable.TIME_BY_STAGE, partition.day)
    other = block_of(partition, "other")
    outcomes = await store.commit([other], set(), saying(hits_of(partition.day)))

    assert {} == totals_after
    assert [STORED] == outcomes
    assert {(0,): Totals.of(HOME_FOR_SIX_S)} == await all_totals(store, TotalsTable.TIME_BY_STAGE, partition.day)


async def test_a_big_commit(store: Store, day: Day) -> None:
    """10,000 events in ten blocks, with 4,000 members and 2,000 totals, all of which are there afterwards."""
    partition = Partition(*day, 0)
    blocks = [block_of(partition, f"{number}", events=1_000, payload=bytes(50_000)) for number in range(10)]
    members = [(stage, f"u{user}") for stage in range(4) for user in range(1_000)]
    additions = {(f"/page/{page}", f"target {page % 7}"): Addition((5,), ([page] * 5,)) for page in range(2_000)}
    facts = Facts(
        {SetTable.USERS_BY_STAGE: {partition: members}}, {day: {TotalsTable.CLICKS_BY_TARGET: additions}}, [[]] * 10
    )
    outcomes = await store.commit(blocks, set(), saying(facts))

    assert [STORED] * 10 == outcomes
    assert {block.block_id: block.payload for block in blocks} == await all_blocks(store, partition)
    assert sorted(members) == await all_members(store, SetTable.USERS_BY_STAGE, partition)
    assert {key: Totals.of(addition) for key, addition in additions.items()} == await all_totals(
        store, TotalsTable.CLICKS_BY_TARGET, day
    )


async def test_many_small_blocks(store: Store, day: Day) -> None:
    """Thousands in one commit, a part of which are known."""
    blocks = [block_of(Partition(*day, number % 2), f"{number}") for number in range(5_000)]
    known = {block.block_id for block in blocks[::3]}
    await store.commit(blocks[::3], set(), saying(NO_FACTS))
    outcomes = await store.commit(blocks, known, saying(NO_FACTS))

    assert [STORED if number % 3 else KNOWN for number in range(5_000)] == outcomes


async def test_opened_again(reopen: OpenStore, partition: Partition) -> None:
    """Blocks are known and facts counted as before."""
    block = block_of(partition, "first")
    store = await reopen()
    await store.commit([block], set(), saying(hits_of(partition.day)))
    store = await reopen()
    outcomes = await store.commit([block], {block.block_id}, saying(hits_of(partition.day)))

    assert [KNOWN] == outcomes
    assert {block.block_id: block.payload} == await all_blocks(store, partition)
    assert {(0,): Totals.of(HOME_FOR_SIX_S)} == await all_totals(store, TotalsTable.TIME_BY_STAGE, partition.day)


async def test_the_store_answers(store: Store) -> None:
    """A check of a store that works says nothing."""
    await store.check()
