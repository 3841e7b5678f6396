"""A write is done, its answer is lost with the connection, and the driver itself sends it again to the next node."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest
from cassandra.cluster import Session

from eventmanager.blocks import Day, Partition
from eventmanager.facts import SetTable, TotalsTable
from eventmanager.store.cassandra import repeater
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.connection import connect
from eventmanager.store.cassandra.store import CassandraStore
from eventmanager.store.protocol import BlockOutcome
from tests.cassandra_nodes import CassandraNodes, free_network, started
from tests.store.cassandra.faulty_proxy import FaultyProxy, WatchedWrite, proxy_between
from tests.store.cassandra.made_blocks import block, entered, facts_of, viewed
from tests.store.cassandra.opened import acquainted, opened
from tests.store.cassandra.settled import settled

LEDGER = uuid.uuid4()
VISITOR = "the only visitor"
URL = "/the/only/page"
BLOCK = "the only block"


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[CassandraNodes]:
    """Two nodes that send drivers to addresses where proxies are to be."""
    directory = tmp_path_factory.mktemp("cassandra")
    nodes = started(CassandraNodes(directory, nodes=2, announced_network=free_network(), careless=True), request)
    yield nodes
    nodes.stop()


class Proxied(NamedTuple):
    """A store, and the only ways to its nodes."""

    store: CassandraStore
    session: Session
    """Of the driver, to look at the tables behind the store's back."""
    proxies: Sequence[FaultyProxy]

    def lose_answer(self, marker: bytes) -> WatchedWrite:
        """Lose the answer to the next write that holds some bytes."""
        write = WatchedWrite(marker)
        for proxy in self.proxies:
            proxy.watch(write)
        return write


@pytest.fixture
async def proxied(two_nodes: CassandraNodes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxied]:
    """Have nobody but the driver send anything again."""
    monkeypatch.setattr(repeater, "_FIRST_PAUSE_S", 3_600.0)
    async with AsyncExitStack() as stack:
        proxies = [
            await stack.enter_async_context(proxy_between(announced, host))
            for announced, host in zip(two_nodes.announced_hosts, two_nodes.hosts, strict=True)
        ]
        address = f"cassandra://{','.join(two_nodes.announced_hosts)}/resends?replication=2"
        await acquainted(address)
        store = await stack.enter_async_context(opened(address, new_id=lambda: LEDGER))
        connection = await asyncio.to_thread(connect, parse_address(address), "")
        stack.push_async_callback(asyncio.to_thread, connection.close)
        yield Proxied(store, connection.session, proxies)


@pytest.mark.parametrize(
    ("marker", "is_resent", "writes"),
    [
        (BLOCK.encode().ljust(16), False, 2),
        (VISITOR.encode(), False, 2),
        (len(URL).to_bytes(4) + URL.encode(), False, 2),
        (TotalsTable.VIEWS_BY_PAGE.value.encode(), False, 3),
        (LEDGER.bytes, True, 2),
    ],
    ids=["log row", "set rows", "totals", "totals that wait", "marks"],
)
async def test_what_is_written_twice_counts_once(
    proxied: Proxied, day: Day, marker: bytes, is_resent: bool, writes: int
) -> None:
    """Of a block that is known only marks are written with the ledger; what waits is replaced when it is settled."""
    store = proxied.store
    sent = block(day, BLOCK, entered(VISITOR, 1, 1_000), viewed(VISITOR, URL, "", 0))
    if is_resent:
        assert [BlockOutcome.STORED] == await store.commit([sent], set(), facts_of)
        await settled(proxied.session, day, "resends")
    write = proxied.lose_answer(marker)

    outcomes = await store.commit([sent], {sent.block_id} if is_resent else set(), facts_of)

    assert [BlockOutcome.KNOWN if is_resent else BlockOutcome.STORED] == outcomes
    await settled(proxied.session, day, "resends")
    assert (1, writes) == (write.answers_lost, write.forwarded)
    assert [sent.block_id] == [row.block_id async for page in store.log(sent.partition) for row in page]
    assert {(1,): 1} == await store.member_counts(SetTable.USERS_BY_STAGE, Partition(*day, 0))
    assert [(1,)] == [row.counts for row in await store.totals(TotalsTable.TIME_BY_STAGE, day)]
    assert [((URL,), (1,))] == [(row.key, row.counts) for row in await store.totals(TotalsTable.VIEWS_BY_PAGE, day)]
    assert [(0, 1, 0, 1)] == [row.counts for row in await store.totals(TotalsTable.TRAFFIC, day)]
