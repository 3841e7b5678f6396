"""What goes wrong with a node, made for real: nothing acknowledged is lost, and nothing counts twice."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from eventmanager.blocks import Block, Day, Partition
from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.facts import Facts, SetTable, TotalsTable
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.opening import open_keyspace
from eventmanager.store.cassandra.store import CassandraStore
from eventmanager.store.protocol import BlockOutcome
from tests.cassandra_nodes import CassandraNodes, started
from tests.store.cassandra.faulty_proxy import proxy_between
from tests.store.cassandra.made_blocks import block, entered, facts_of
from tests.store.cassandra.opened import opened

STORED, KNOWN, UNAVAILABLE = BlockOutcome.STORED, BlockOutcome.KNOWN, BlockOutcome.UNAVAILABLE


@pytest.fixture(scope="module")
def mortal_cassandra(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[CassandraNodes]:
    """A node to be harmed, which acknowledges what is on disk. Each test leaves it running."""
    nodes = started(CassandraNodes(tmp_path_factory.mktemp("cassandra")), request)
    yield nodes
    nodes.stop()


async def hits(store: CassandraStore, day: Day) -> int:
    """Sum up the hits of all stages."""
    return sum(row.counts[0] for row in await store.totals(TotalsTable.TIME_BY_STAGE, day))


async def logged(store: CassandraStore, day: Day) -> set[bytes]:
    """Return the ids of all blocks in the log."""
    return {row.block_id for page in [page async for page in store.log(Partition(*day, 0))] for row in page}


async def resend(store: CassandraStore, blocks: Sequence[Block]) -> None:
    """Send blocks again, as a client does, until each is answered for."""
    async with asyncio.timeout(60):
        while blocks:
            outcomes = await store.commit(blocks, {block.block_id for block in blocks}, facts_of)
            blocks = [block for block, outcome in zip(blocks, outcomes, strict=True) if outcome not in {STORED, KNOWN}]
            if blocks:
                await asyncio.sleep(0.2)


async def test_a_killed_node_loses_nothing_acknowledged(mortal_cassandra: CassandraNodes, day: Day) -> None:
    """It is killed and started again under load: what was not answered for is sent again, and all counts once."""
    acknowledged: list[Block] = []
    unavailable: list[Block] = []
    numbers = count()
    stop = asyncio.Event()

    async def load(store: CassandraStore) -> None:
        while not stop.is_set():
            number = next(numbers)
            sent = [block(day, f"{number}.{part}", entered(f"u{number}.{part}", part, 1_000)) for part in range(20)]
            for each, outcome in zip(sent, await store.commit(sent, set(), facts_of), strict=True):
                (acknowledged if outcome in {STORED, KNOWN} else unavailable).append(each)

    async with opened(mortal_cassandra.address("faults")) as store:
        loading = asyncio.create_task(load(store))
        await asyncio.sleep(1)
        for _ in range(2):
            mortal_cassandra.kill()
            await asyncio.to_thread(mortal_cassandra.start)
            await asyncio.sleep(2)
        stop.set()
        await loading
        await resend(store, unavailable)  # First of all: until then the node may not answer at all.
        held = await logged(store, day)
        total = len(acknowledged) + len(unavailable)

        assert {each.block_id for each in acknowledged} <= held
        assert total == await hits(store, day)
        assert {(): total} == await store.member_counts(SetTable.USERS_BY_PLATFORM, Partition(*day, 0))


async def test_a_node_that_hangs_makes_blocks_unavailable(mortal_cassandra: CassandraNodes, day: Day) -> None:
    """Within the deadline, with nothing piling up; once it goes on, so does the store by itself."""
    async with opened(mortal_cassandra.address("faults"), patience_s=1.5) as store:
        await store.commit([block(day, "before", entered("u0", 1, 1_000))], set(), facts_of)
        mortal_cassandra.pause()
        try:
            elapsed_s = []
            sent = [block(day, f"hanging {number}", entered(f"u{number}", 1, 1_000)) for number in range(3)]
            for each in sent:
                begun_s = time.monotonic()
                outcomes = await store.commit([each], set(), facts_of)
                elapsed_s.append(time.monotonic() - begun_s)

                assert [UNAVAILABLE] == outcomes
        finally:
            mortal_cassandra.resume()
        await resend(store, sent)

        assert max(elapsed_s) < 3
        assert 4 == await hits(store, day)


async def test_a_node_that_is_gone_is_told_and_found_again(mortal_cassandra: CassandraNodes, day: Day) -> None:
    """Reads and checks fail with the port's error while it is away."""
    async with opened(mortal_cassandra.address("faults"), patience_s=1.5) as store:
        await store.commit([block(day, "before", entered("u0", 1, 1_000))], set(), facts_of)
        mortal_cassandra.kill()

        with pytest.raises(StoreUnavailableError):
            await store.check()
        with pytest.raises(StoreUnavailableError):
            await store.totals(TotalsTable.TIME_BY_STAGE, day)
        with pytest.raises(StoreUnavailableError):
            await logged(store, day)

        await asyncio.to_thread(mortal_cassandra.start)
        async with asyncio.timeout(20):
            while True:
                try:
                    await store.check()
                    break
                except StoreUnavailableError:
                    await asyncio.sleep(0.2)

        assert 1 == await hits(store, day)


async def test_a_connection_broken_after_the_write_counts_nothing_twice(
    proxied_cassandra: CassandraNodes, day: Day
) -> None:
    """The node has written, and its answer is lost: the same is written again, and is the same."""
    host = proxied_cassandra.announced_hosts[0]
    async with proxy_between(host, proxied_cassandra.hosts[0]) as proxy:
        memory = Memory(1_000)

        def remembering(blocks: Sequence[Block]) -> Facts:
            return fold(blocks, memory)

        async with opened(f"cassandra://{host}/faults") as store:
            sent = []
            for number in range(6):
                proxy.break_at_next_answers(1)
                each = block(day, f"block {number}", entered(f"u{number}", 1, 1_000))
                sent.append(each)
                if (await store.commit([each], set(), remembering)) not in ([STORED], [KNOWN]):
                    await resend(store, [each])

            assert proxy.broken >= 3
            assert {each.block_id for each in sent} == await logged(store, day)
            assert len(sent) == await hits(store, day)
            assert {(1,): len(sent)} == await store.member_counts(SetTable.USERS_BY_STAGE, Partition(*day, 0))


async def test_a_node_that_is_absent_is_told(mortal_cassandra: CassandraNodes) -> None:
    """At the start, too: it may come yet."""
    mortal_cassandra.stop()
    address = mortal_cassandra.address("faults")

    with pytest.raises(StoreUnavailableError, match=f"no node of {address} answers .*Connection refused"):
        await open_keyspace(parse_address(address), os.environ)

    mortal_cassandra.start()
    async with opened(address) as store:
        await store.check()


@pytest.fixture
def guarded_cassandra(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CassandraNodes]:
    """A node that asks for a login."""
    nodes = started(CassandraNodes(tmp_path / "cassandra", has_logins=True, careless=True), request)
    yield nodes
    nodes.stop()


async def test_a_wrong_login_is_told(guarded_cassandra: CassandraNodes) -> None:
    """None, a wrong one, and the right one."""
    address = guarded_cassandra.address("faults", "?user=cassandra")
    shown = guarded_cassandra.address("faults")

    with pytest.raises(StartError) as refused:
        await open_keyspace(parse_address(shown), {})

    assert f"Cassandra at {shown} does not let in anybody without user=… and a password." == str(refused.value)

    with pytest.raises(StartError) as refused:
        await open_keyspace(parse_address(address), {"EVENTMANAGER_CASSANDRA_PASSWORD": "wrong"})

    assert f"Cassandra at {shown} does not let in the user 'cassandra' with that password." == str(refused.value)

    store = await open_keyspace(parse_address(address), {"EVENTMANAGER_CASSANDRA_PASSWORD": "cassandra"})
    await store.check()
    await store.close()


async def test_a_name_or_data_centre_that_is_not_there_is_told(cassandra: CassandraNodes) -> None:
    """The sentence says what there is."""
    with pytest.raises(StartError) as refused:
        await open_keyspace(parse_address("cassandra://nowhere.invalid/faults"), {})

    assert (
        "None of the hosts of cassandra://nowhere.invalid:9042/faults has an address: nowhere.invalid. "
        "Are the names right?"
    ) == str(refused.value)

    with pytest.raises(StartError) as refused:
        await open_keyspace(parse_address(cassandra.address("faults", "?dc=mars")), {})

    assert f"{cassandra.address('faults')} has no data centre 'mars', only datacenter1. Correct dc=." == str(
        refused.value
    )
