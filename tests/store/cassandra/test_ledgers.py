"""Ledgers: the totals of several servers, and of one server over time."""

import asyncio
import uuid
import zlib

import pytest
from cassandra.cluster import Session

from eventmanager.blocks import Day
from eventmanager.durations import Durations
from eventmanager.facts import Totals, TotalsTable
from eventmanager.store.cassandra.columns import cql_date
from eventmanager.store.cassandra.ledgers import LedgerBounds
from eventmanager.store.cassandra.repeater import batch_of
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions
from tests.store.cassandra.conftest import OpenStore
from tests.store.cassandra.made_blocks import DATE, block, entered, facts_of
from tests.store.cassandra.settled import settled


async def test_totals_of_several_servers_add_up(open_store: OpenStore, session: Session, day: Day) -> None:
    """Each has written its own ledger, more than once."""
    stores = [await open_store() for _ in range(3)]
    for number, store in enumerate(stores * 2):
        await store.commit([block(day, f"block {number}", entered(f"u{number}", 7, 1_000 + number))], set(), facts_of)

    await settled(session, day)
    rows = await stores[0].totals(TotalsTable.TIME_BY_STAGE, day)
    total = Totals((0,), [Durations()])
    for row in rows:
        total.merge(row.decode())

    assert [((7,), (2,))] * 3 == [(row.key, row.counts) for row in rows]
    assert Totals((6,), [Durations.of(range(1_000, 1_006))]) == total


async def test_ledgers_spread_over_the_shards_at_hand(open_store: OpenStore, session: Session, day: Day) -> None:
    """A ledger lies in the shard that its id hashes to, and `days` says so."""
    blocks = [block(day, f"block {shard}", entered(f"u{shard}", 1, 1_000), shard=shard) for shard in range(4)]
    for _ in range(4):
        store = await open_store()
        await store.commit(blocks, set(), facts_of)

    listed = list(session.execute(f"SELECT ledger, shard FROM days WHERE app = '{day.app}' AND date = '{DATE}'"))

    assert 4 == len(listed)
    assert [zlib.crc32(ledger.bytes) % 4 for ledger, _ in listed] == [shard for _, shard in listed]
    assert 16 == sum(row.counts[0] for row in await store.totals(TotalsTable.TIME_BY_STAGE, day))


async def test_a_day_with_many_ledgers_and_pages_answers(store: CassandraStore, session: Session, day: Day) -> None:
    """20 servers have counted 5,000 pages each, in 4 shards."""
    pages = [f"/page/{number}" for number in range(5_000)]
    durations = Durations.of([1_000, 70_000])
    statements = Statements(session)
    write_page = statements.write_totals[TotalsTable.VIEWS_BY_PAGE]
    for shard, ledger in enumerate([uuid.uuid4() for _ in range(20)]):
        partition = (day.app, cql_date(DATE), shard % 4)
        values = (ledger, 3, durations.total_ms, durations.encode(), durations.count, 1, 0)
        session.execute(statements.write_day.bind((day.app, cql_date(DATE), ledger, shard % 4, 0)))
        for start in range(0, len(pages), 500):
            session.execute(batch_of(write_page.bind((*partition, url, *values)) for url in pages[start : start + 500]))

    views = dict.fromkeys(pages, 0)
    for row in await store.totals(TotalsTable.VIEWS_BY_PAGE, day):
        views[row.key[0]] += row.counts[0]

    assert dict.fromkeys(pages, 60) == views


@pytest.mark.parametrize("bounds", [LedgerBounds(idle_s=0), LedgerBounds(most_rows=1)])
async def test_a_dropped_ledger_is_never_taken_up_again(
    open_store: OpenStore, session: Session, day: Day, bounds: LedgerBounds
) -> None:
    """Whether it was idle or took too much memory: later blocks open another, and both count."""
    store = await open_store(StoreOptions(ledger_bounds=bounds))
    await store.commit([block(day, "early", entered("u1", 1, 1_000), entered("u1", 2, 1_000))], set(), facts_of)
    await asyncio.sleep(2.5)
    await store.commit([block(day, "late", entered("u2", 1, 1_000))], set(), facts_of)

    ledgers = session.execute(f"SELECT ledger FROM days WHERE app = '{day.app}' AND date = '{DATE}'")

    assert 2 == len(list(ledgers))
    assert 3 == sum(row.counts[0] for row in await store.totals(TotalsTable.TIME_BY_STAGE, day))
