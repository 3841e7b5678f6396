"""The log."""

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import NO_FACTS
from eventmanager.store.protocol import Store
from tests.store.made_facts import all_blocks, block_of, saying


async def test_a_partition_without_blocks(store: Store, partition: Partition) -> None:
    """Its log has no pages."""
    assert [] == [page async for page in store.log(partition)]


async def test_a_long_log_comes_by_pages(store: Store, partition: Partition) -> None:
    """Fat blocks and thin ones, each once, and never so many at a time that memory grows with the log."""
    sizes = [100_000] * 40 + [1] * 3_000 + [1_000_000] * 6
    blocks = [
        block_of(partition, f"{number}", payload=bytes([number % 251]) * size) for number, size in enumerate(sizes)
    ]
    for start in range(0, len(blocks), 100):
        await store.commit(blocks[start : start + 100], set(), saying(NO_FACTS))
    pages = [page async for page in store.log(partition)]

    assert {block.block_id: block.payload for block in blocks} == {
        stored.block_id: stored.payload for page in pages for stored in page
    }
    assert len(blocks) == sum(map(len, pages))
    assert len(pages) > 3
    assert max(sum(len(stored.payload) for stored in page) for page in pages) < 20_000_000


async def test_a_log_that_grows_while_it_is_read(store: Store, partition: Partition) -> None:
    """What was there at the start comes, and nothing comes twice."""
    blocks = [block_of(partition, f"{number}", payload=bytes(100_000)) for number in range(60)]
    await store.commit(blocks, set(), saying(NO_FACTS))
    seen: list[bytes] = []
    async for page in store.log(partition):
        await store.commit([block_of(partition, f"late {len(seen)}")], set(), saying(NO_FACTS))
        seen += [stored.block_id for stored in page]

    assert {block.block_id for block in blocks} <= set(seen)
    assert len(set(seen)) == len(seen)


@given(st.dictionaries(st.tuples(st.integers(0, 3), st.binary(min_size=16, max_size=16)), st.binary(max_size=50)))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_any_bytes_are_kept(store: Store, days: Iterator[Day], drawn: dict[tuple[int, bytes], bytes]) -> None:
    """Payloads are whatever they are, and ids any 16 bytes."""
    partitions = [Partition(*day, shard) for day in [next(days)] for shard in range(4)]
    blocks = [Block.of(partitions[shard], block_id, [], payload, 0) for (shard, block_id), payload in drawn.items()]
    await store.commit(blocks, set(), saying(NO_FACTS))

    assert [
        {block.block_id: block.payload for block in blocks if block.partition == partition} for partition in partitions
    ] == [await all_blocks(store, partition) for partition in partitions]
