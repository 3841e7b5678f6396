"""Totals that wait: they count in every server's reports, and go to the tables by themselves."""

import base64
import random
import time
import uuid
from collections.abc import Sequence

import pytest
from cassandra.cluster import Session

from eventmanager.blocks import Day
from eventmanager.durations import Durations
from eventmanager.facts import Addition, Key, Totals, TotalsRow, TotalsTable
from eventmanager.store.cassandra.address import CassandraAddress
from eventmanager.store.cassandra.columns import cql_date
from eventmanager.store.cassandra.ledgers import Ledgers
from eventmanager.store.cassandra.migrations import steps_of_code
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions
from eventmanager.store.cassandra.waiting_totals import MOST_ADDITIONS, encode_additions
from eventmanager.store.protocol import BlockOutcome
from tests.store.cassandra.conftest import OpenStore
from tests.store.cassandra.made_blocks import DATE, block, clicked, entered, facts_of, viewed
from tests.store.cassandra.settled import settled, wait_until

STORED, KNOWN = BlockOutcome.STORED, BlockOutcome.KNOWN


def summed(rows: Sequence[TotalsRow]) -> dict[Key, Totals]:
    """Add up the rows of each key."""
    sums: dict[Key, Totals] = {}
    for row in rows:
        if row.key in sums:
            sums[row.key].merge(row.decode())
        else:
            sums[row.key] = row.decode()
    return sums


def missing_table(session: Session, address: CassandraAddress, table: str) -> Sequence[str]:
    """Drop a table, and return what makes it again."""
    full_name = f"{address.keyspace}.{table}"
    session.execute(f"DROP TABLE {full_name}")
    (creation,) = [cql for step in steps_of_code() for cql in step.statements if f"EXISTS {table} " in cql]
    return [creation.replace(table, full_name, 1), f"ALTER TABLE {full_name} ADD added bigint"]


def count(session: Session, address: CassandraAddress) -> int:
    """Count the rows of clicks_by_target."""
    (rows,) = session.execute(f"SELECT COUNT(*) FROM {address.keyspace}.clicks_by_target").one()
    return int(rows)


async def test_what_a_dead_server_left_waiting_counts_once(store: CassandraStore, session: Session, day: Day) -> None:
    """It died before all rows were written: each says which additions it has, and those of others are as they are."""
    statements = Statements(session)
    dead, other = uuid.uuid4(), uuid.uuid4()
    partition = (day.app, cql_date(DATE), 3)
    write = statements.write_totals[TotalsTable.VIEWS_BY_PAGE]
    for ledger in (dead, other):
        session.execute(statements.write_day.bind((day.app, cql_date(DATE), ledger, 3, 0)))
    for slot, (number, additions) in enumerate(
        [
            (3, {("/new",): Addition((1,), ([30],)), ("/old",): Addition((1,), ([31, 32],))}),
            (2, {("/old",): Addition((2,), ([20],)), ("/written",): Addition((2,), ([21],))}),
            (4, {("/new",): Addition((1,), ([40],)), ("/written",): Addition((1,), ([],))}),
        ]
    ):
        values = ("views_by_page", dead, slot, number, encode_additions(additions), 0)
        session.execute(statements.write_waiting.bind((*partition, *values)))
    session.execute(statements.write_waiting.bind((*partition, "views_by_page", dead, 3, 1, b"", 0)))
    for ledger, url, views, times_ms, added in [
        (dead, "/old", 3, [10, 20], 2),
        (dead, "/written", 5, [11, 21], 4),
        (other, "/old", 7, [12], 1),
    ]:
        durations = Durations.of(times_ms)
        figures = (views, durations.total_ms, durations.encode(), durations.count)
        session.execute(write.bind((*partition, url, ledger, *figures, added, 0)))

    assert {
        ("/new",): Totals((2,), [Durations.of([30, 40])]),
        ("/old",): Totals((11,), [Durations.of([10, 20, 31, 32, 12])]),
        ("/written",): Totals((5,), [Durations.of([11, 21])]),
    } == summed(await store.totals(TotalsTable.VIEWS_BY_PAGE, day))


async def test_another_server_tells_at_once_what_was_answered(open_store: OpenStore, day: Day) -> None:
    """Commit after commit, while some of it waits and some is in the table, and each of many tables' worth of keys."""
    here, there = await open_store(), await open_store()
    for number in range(1, 41):
        stage = number % 3
        await here.commit([block(day, f"{number}", entered(f"u{number}", stage, number))], set(), facts_of)
        sums = summed(await there.totals(TotalsTable.TIME_BY_STAGE, day))

        assert number == sum(totals.counts[0] for totals in sums.values())
        assert number * (number + 1) // 2 == sum(totals.durations[0].total_ms for totals in sums.values())


async def test_what_waited_is_in_the_table_soon(store: CassandraStore, session: Session, day: Day) -> None:
    """A row of it is used again by later commits, so that there are never many to read."""
    for number in range(60):
        await store.commit([block(day, f"{number}", viewed(f"u{number}", "/home", "/", 1_000))], set(), facts_of)
        if number % 20 == 0:
            await settled(session, day)

    await settled(session, day)
    figures = session.execute(
        f"SELECT url, views, hits, elapsed, added FROM views_by_page "
        f"WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0"
    )

    assert [("/", 0, 60, 60_000, 60), ("/home", 60, 0, 0, 60)] == [tuple(row) for row in figures]
    kept = session.execute(
        f"SELECT COUNT(*) FROM waiting_totals WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0"
    )
    assert kept.one()[0] < 2 * 60


async def test_many_additions_wait_in_parts(
    own_store: CassandraStore, session: Session, own_address: CassandraAddress
) -> None:
    """What is added to a ledger's totals at once takes some milliseconds, however large the commit is."""
    day = Day("app", DATE)
    targets = [f"//{number}" for number in range(2 * MOST_ADDITIONS + 1)]
    repair = missing_table(session, own_address, "clicks_by_target")
    clicks = [clicked("u", "/", target, 1) for target in targets]

    outcomes = await own_store.commit([block(day, "clicks", *clicks)], set(), facts_of)
    kept = session.execute(
        f"SELECT number, additions FROM {own_address.keyspace}.waiting_totals "
        "WHERE app = 'app' AND date = '2026-11-24' AND shard = 0 AND totals_table = 'clicks_by_target'"
    )
    numbers = [number for number, additions in kept if additions]
    for statement in repair:
        session.execute(statement)
    await wait_until(lambda: count(session, own_address) == len(targets))

    assert [STORED] == outcomes
    assert [1, 2, 3] == numbers
    assert dict.fromkeys(targets, 1) == {
        row.key[1]: row.counts[0] for row in await own_store.totals(TotalsTable.CLICKS_BY_TARGET, day)
    }


async def test_additions_that_a_node_would_not_take_as_one_row_wait_in_parts(
    store: CassandraStore, session: Session, day: Day
) -> None:
    """With the longest names, of which nothing comes again: 6 MB, compressed."""
    draw = random.Random(1)
    names = [base64.b64encode(draw.randbytes(3_072)).decode() for _ in range(MOST_ADDITIONS)]
    clicks = [clicked("u", name[:2_048], name[2_048:], 1) for name in names]

    outcomes = await store.commit([block(day, "clicks", *clicks)], set(), facts_of)
    await settled(session, day)

    assert [STORED] == outcomes
    assert {(name[:2_048], name[2_048:]): (1,) for name in names} == {
        row.key: row.counts for row in await store.totals(TotalsTable.CLICKS_BY_TARGET, day)
    }


async def test_totals_that_cannot_be_settled_cost_no_event(
    own_store: CassandraStore, own_address: CassandraAddress, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """What commits add is kept aside all the same; it is told of, and tried again until it is in its table."""
    day = Day("app", DATE)
    repair = missing_table(session, own_address, "time_by_stage")
    outcomes = [
        await own_store.commit([block(day, f"{number}", entered(f"u{number}", 1, 1_000))], set(), facts_of)
        for number in range(3)
    ]
    await wait_until(lambda: bool(caplog.messages))
    for statement in repair:
        session.execute(statement)
    await wait_until(lambda: bool(session.execute(f"SELECT * FROM {own_address.keyspace}.time_by_stage").one()))

    assert [[STORED]] * 3 == outcomes
    assert all(text.endswith(" rows are yet to be written, and are tried again.") for text in caplog.messages)
    assert {(1,): Totals((3,), [Durations.of([1_000] * 3)])} == summed(
        await own_store.totals(TotalsTable.TIME_BY_STAGE, day)
    )


async def test_commits_wait_where_much_waits(
    open_store: OpenStore, session: Session, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the store has patience, so that memory is bounded; then they are stored as ever."""
    store = await open_store(StoreOptions(patience_s=2))
    many = [clicked("u", f"/{number % 9}", f"//{number}", 1) for number in range(61_000)]
    with monkeypatch.context() as nothing_is_settled:
        nothing_is_settled.setattr(Ledgers, "unsettled", lambda _: [])
        first = await store.commit([block(day, "many", *many)], set(), facts_of)
        begun_s = time.monotonic()
        second = await store.commit([block(day, "late", clicked("u", "/", "//a", 1))], set(), facts_of)
        waited_s = time.monotonic() - begun_s
    third = await store.commit([block(day, "later", clicked("u", "/", "//b", 1))], set(), facts_of)
    await settled(session, day)

    assert [[STORED]] * 3 == [first, second, third]
    assert waited_s >= 2
    assert len(many) + 2 == len(await store.totals(TotalsTable.CLICKS_BY_TARGET, day))
