"""Three nodes with a replica each: one may go unnoticed, and with two gone nothing that was acknowledged is lost."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from eventmanager.blocks import Block, Day, Partition
from eventmanager.facts import SetTable, TotalsTable
from eventmanager.store.cassandra.store import CassandraStore
from eventmanager.store.protocol import BlockOutcome
from tests.cassandra_nodes import CassandraNodes, started
from tests.store.cassandra.made_blocks import block, entered, facts_of
from tests.store.cassandra.opened import opened

pytestmark = pytest.mark.ring

STORED, KNOWN, UNAVAILABLE = BlockOutcome.STORED, BlockOutcome.KNOWN, BlockOutcome.UNAVAILABLE


@pytest.fixture
def ring(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[CassandraNodes]:
    """Three nodes, which acknowledge what is on disk."""
    nodes = started(CassandraNodes(tmp_path_factory.mktemp("ring"), nodes=3), request)
    yield nodes
    nodes.stop()


async def commit(store: CassandraStore, day: Day, names: Sequence[str]) -> dict[BlockOutcome, list[Block]]:
    """Commit blocks of one event each, one commit after the other, and sort them by what became of them."""
    outcomes: dict[BlockOutcome, list[Block]] = {outcome: [] for outcome in BlockOutcome}
    for name in names:
        each = block(day, name, entered(name, 1, 1_000))
        (outcome,) = await store.commit([each], set(), facts_of)
        outcomes[outcome].append(each)
    return outcomes


async def test_nodes_go_one_by_one(ring: CassandraNodes, day: Day) -> None:
    """Without one all is stored, without two nothing; once they are back what failed is sent again, and all counts."""
    async with opened(ring.address("ring", "?replication=3")) as store:
        with_all = await commit(store, day, [f"all {number}" for number in range(50)])
        ring.kill(2)
        without_one = await commit(store, day, [f"two left {number}" for number in range(100)])
        ring.kill(3)
        without_two = await commit(store, day, [f"one left {number}" for number in range(3)])

        assert 50 == len(with_all[STORED])
        assert 100 == len(without_one[STORED])
        assert 3 == len(without_two[UNAVAILABLE])

        await asyncio.to_thread(ring.start)
        failed = without_two[UNAVAILABLE]
        async with asyncio.timeout(60):
            while failed:
                outcomes = await store.commit(failed, {each.block_id for each in failed}, facts_of)
                failed = [each for each, outcome in zip(failed, outcomes, strict=True) if outcome is UNAVAILABLE]
        partition = Partition(*day, 0)
        held = {row.block_id async for page in store.log(partition) for row in page}

        assert held == {
            each.block_id
            for blocks in (with_all[STORED], without_one[STORED], without_two[UNAVAILABLE])
            for each in blocks
        }
        assert 153 == sum(row.counts[0] for row in await store.totals(TotalsTable.TIME_BY_STAGE, day))
        assert {(1,): 153} == await store.member_counts(SetTable.USERS_BY_STAGE, partition)
