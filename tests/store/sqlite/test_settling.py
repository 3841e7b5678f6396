"""When facts get to their tables: nobody who asks a store sees a difference, so these look into the file."""

import asyncio
import shutil
import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmanager.blocks import Day, Partition
from eventmanager.durations import Durations
from eventmanager.facts import NO_FACTS, Addition, Facts, Key, SetTable, Totals, TotalsTable
from eventmanager.store.protocol import BlockOutcome
from eventmanager.store.sqlite.database import Database
from eventmanager.store.sqlite.portions import FEW_ROWS, PORTIONS, facts_compressor, sorted_by_portion
from eventmanager.store.sqlite.schema import read_steps, upgrade
from eventmanager.store.sqlite.settling import settle_facts
from eventmanager.store.sqlite.store import SQLiteStore
from eventmanager.store.sqlite.tables import SHARDS_A_DAY, TOTALS_COLUMNS
from eventmanager.store.sqlite.totals_cache import TotalsCache
from tests.store.made_facts import all_members, all_totals, block_of, commit, members_of, saying, totals_of

AN_HOUR_S = 3_600
USERS = SetTable.USERS_BY_STAGE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "events.db"


def rows_in(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Look into a file, as another program would."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def test_facts_wait_until_they_are_read(path: Path, partition: Partition) -> None:
    """Then those of the table that is read go there, and the others wait on."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    await commit(store, partition, "first", members_of(USERS, partition, (0, "u1")))
    await commit(store, partition, "second", members_of(SetTable.STAGE_GRAPH, partition, (0, 1, "u1")))
    waiting = "SELECT table_name FROM unsettled_facts"
    before = rows_in(path, waiting)
    await store.member_counts(USERS, Partition(f"{partition.app}-other", partition.date, 0))
    after_another_day = rows_in(path, waiting)
    await store.member_counts(USERS, partition)
    after = rows_in(path, waiting)
    await store.close()

    assert [("users_by_stage",), ("stage_graph",)] == before == after_another_day
    assert [("stage_graph",)] == after
    assert [] == rows_in(path, waiting)
    assert [(0, 1, "u1")] == rows_in(path, "SELECT from_stage, to_stage, user FROM stage_graph")


async def test_facts_do_not_wait_for_long(path: Path, partition: Partition) -> None:
    """Where nobody reads they go to their tables some time after the commit, and again after the next."""
    store = await SQLiteStore.open(path, settle_after_s=0.001)
    users = []
    for number in range(2):
        await commit(store, partition, f"{number}", members_of(USERS, partition, (0, f"u{number}")))
        async with asyncio.timeout(10):
            while not (found := rows_in(path, "SELECT user FROM users_by_stage"))[number:]:  # noqa: ASYNC110 - a file tells nobody.
                await asyncio.sleep(0.001)
        users.append(found)
    await store.close()

    assert [[("u0",)], [("u0",), ("u1",)]] == users


async def test_many_facts_do_not_wait(path: Path, partition: Partition) -> None:
    """Those of a table that has too many go there, so that memory is bounded."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    for number in range(30):
        keys = [
            (0, f"{chr(64 + 4 * (user % 64))} is a visitor with a long name {number}-{user}") for user in range(10_000)
        ]
        await commit(store, partition, f"{number}", members_of(USERS, partition, *keys))
        await commit(store, partition, f"few {number}", members_of(SetTable.STAGE_GRAPH, partition, (0, 1, "u1")))
    [(settled,)] = rows_in(path, "SELECT count(*) FROM users_by_stage")
    waiting = dict(rows_in(path, "SELECT table_name, count(*) FROM unsettled_facts GROUP BY table_name"))
    counts = await store.member_counts(USERS, partition)
    await store.close()

    assert 0 < settled < 300_000
    assert 0 < waiting["users_by_stage"] < 30
    assert 30 == waiting["stage_graph"]
    assert {(0,): 300_000} == counts


async def test_a_table_is_settled_by_portions(path: Path, tmp_path: Path, partition: Partition) -> None:
    """When the server crashes between two of them, those that were settled are not settled again."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    pages = {(f"/{number}",): Addition((1,), ([number],)) for number in range(10_000)}
    for number in range(20):
        await commit(store, partition, f"{number}", totals_of(partition.day, TotalsTable.VIEWS_BY_PAGE, pages))
    [(settled,)] = rows_in(path, "SELECT count(*) FROM views_by_page")
    waiting = rows_in(path, "SELECT DISTINCT table_name FROM unsettled_facts")
    for file in (path, path.with_name(f"{path.name}-wal")):
        shutil.copy(file, tmp_path / file.name.replace("events", "crashed"))
    totals = [await all_totals(store, TotalsTable.VIEWS_BY_PAGE, partition.day)]
    left = rows_in(path, "SELECT count(*) FROM unsettled_facts")
    await store.close()
    store = await SQLiteStore.open(tmp_path / "crashed.db", settle_after_s=AN_HOUR_S)
    await commit(store, partition, "more", members_of(USERS, partition, (0, "u1")))
    totals.append(await all_totals(store, TotalsTable.VIEWS_BY_PAGE, partition.day))
    await store.close()

    assert 0 < settled < 10_000
    assert [("views_by_page",)] == waiting
    expected = {key: Totals.of(Addition((20,), ([key_number] * 20,))) for key_number, key in enumerate(pages)}
    assert [expected, expected] == totals
    assert [(0,)] == left


async def test_many_members_of_a_portion_are_settled_some_at_a_time(
    path: Path, tmp_path: Path, partition: Partition
) -> None:
    """When the server crashes between two of them, all are there in the end."""
    crashes: list[Path] = []

    def settled_after_a_crash(*arguments: Any) -> None:
        crashed = tmp_path / f"crash-{len(crashes)}.db"
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{crashed}{ending}")
        crashes.append(crashed)
        settle_facts(*arguments)

    keys: list[Key] = [(0, f"visitor {user}") for user in range(9_000)]
    with patch("eventmanager.store.sqlite.unsettled._FULL_SET_BYTES", 1 << 20):  # Else they would not wait.
        store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    with patch("eventmanager.store.sqlite.writer.settle_facts", settled_after_a_crash):
        await commit(store, partition, "many", members_of(USERS, partition, *keys))
        counts = [await store.member_counts(USERS, partition)]
    await store.close()
    settled = [count for crashed in crashes for [count] in rows_in(crashed, "SELECT count(*) FROM users_by_stage")]
    for crashed in crashes:
        store = await SQLiteStore.open(crashed, settle_after_s=AN_HOUR_S)
        counts.append(await store.member_counts(USERS, partition))
        await store.close()

    assert [0, 2_000, 4_000, 6_000, 8_000] == settled
    assert [{(0,): 9_000}] * 6 == counts
    assert [] == rows_in(path, "SELECT id FROM unsettled_facts")


async def test_facts_are_settled_once_at_a_time(
    path: Path, partition: Partition, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it takes, and however many commits there are meanwhile; what comes last goes there, too."""

    def settled_slowly(*arguments: Any) -> None:
        time.sleep(0.01)
        settle_facts(*arguments)

    store = await SQLiteStore.open(path, settle_after_s=0)
    before = len(asyncio.all_tasks())
    most_tasks = 0
    with patch("eventmanager.store.sqlite.writer.settle_facts", settled_slowly):
        for number in range(40):
            facts = members_of(USERS, partition, (0, str(number % 7)))
            graph = members_of(SetTable.STAGE_GRAPH, partition, (0, 1, "u1"))
            facts = Facts({**facts.members, **graph.members}, {}, [[]])
            await commit(store, partition, f"block {number}", facts)
            await asyncio.sleep(0.002)
            most_tasks = max(most_tasks, len(asyncio.all_tasks()) - before)
        async with asyncio.timeout(10):
            while rows_in(path, "SELECT id FROM unsettled_facts"):  # noqa: ASYNC110 - a file tells nobody.
                await asyncio.sleep(0.01)
        await commit(store, partition, "last", members_of(USERS, partition, (0, "last")))
        await asyncio.sleep(0.002)
        await store.close()

    assert 1 == most_tasks
    assert [(8,)] == rows_in(path, "SELECT count(*) FROM users_by_stage")
    assert [] == caplog.messages


async def test_small_and_large_commits(path: Path, tmp_path: Path, partition: Partition) -> None:
    """Facts of small ones are sorted by portion together, once they are many: all are there, after a crash as well."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    pages = totals_of(partition.day, TotalsTable.VIEWS_BY_PAGE, {("/home",): Addition((1,), ([1_000],))})
    first = 0
    for number, size in enumerate((FEW_ROWS - 1, 1, 1, FEW_ROWS, 1)):
        users = members_of(USERS, partition, *((0, f"{user}") for user in range(first, first + size)))
        await commit(store, partition, f"{number}", Facts(users.members, pages.totals, [[]]))
        first += size
    waiting = rows_in(path, "SELECT DISTINCT table_name FROM unsettled_facts")
    for file in (path, path.with_name(f"{path.name}-wal")):
        shutil.copy(file, tmp_path / file.name.replace("events", "crashed"))
    counts, totals = [], []
    for opened in (store, await SQLiteStore.open(tmp_path / "crashed.db", settle_after_s=AN_HOUR_S)):
        counts.append(await opened.member_counts(USERS, partition))
        totals.append(await all_totals(opened, TotalsTable.VIEWS_BY_PAGE, partition.day))
        await opened.close()

    assert {(USERS.value,), (TotalsTable.VIEWS_BY_PAGE.value,)} == set(waiting)
    assert [{(0,): first}] * 2 == counts
    assert [{("/home",): Totals.of(Addition((5,), ([1_000] * 5,)))}] * 2 == totals


async def test_facts_of_small_commits_wait_to_be_sorted(path: Path, partition: Partition) -> None:
    """Not commit by commit, but together, when they are wanted."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    with patch("eventmanager.store.sqlite.unsettled.sorted_by_portion", wraps=sorted_by_portion) as sort:
        for number in range(10):
            await commit(store, partition, f"{number}", members_of(USERS, partition, (0, f"{number}")))
        before = sort.call_count
        counts = await store.member_counts(USERS, partition)
    await store.close()

    assert (0, 1) == (before, sort.call_count)
    assert {(0,): 10} == counts


async def test_portions_that_are_settled_together_may_have_many_members(path: Path, partition: Partition) -> None:
    """More than go at once: some portions then have nothing left while others are yet to come to their end.

    So it was where commits had added to portions by the time it was their turn.
    """
    keys: list[Key] = [(0, f"{first}{user}") for first in "aeimq" for user in range(500)]
    with patch("eventmanager.store.sqlite.unsettled.MOST_SET_ROWS", 600):
        store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    await commit(store, partition, "many", members_of(USERS, partition, *keys))
    counts = await store.member_counts(USERS, partition)
    await commit(store, partition, "one more", members_of(USERS, partition, (0, "a more")))
    more = await store.member_counts(USERS, partition)
    await store.close()

    assert ({(0,): 2_500}, {(0,): 2_501}) == (counts, more)
    assert [] == rows_in(path, "SELECT id FROM unsettled_facts")


async def test_facts_that_wait_in_an_older_database(path: Path, partition: Partition) -> None:
    """They were not sorted by portion, and portions of sets were others: what it says of them does not count."""
    pages = TotalsTable.VIEWS_BY_PAGE
    visits: dict[int, Sequence[Any]] = {SHARDS_A_DAY: [(0, "u1"), (1, "u1")], SHARDS_A_DAY + 1: [(0, "u2")]}
    views: dict[int, Sequence[Any]] = {1: [(("/home",), (3,), ([1_000],)), (("/",), (1,), ([],))]}
    with closing(sqlite3.connect(path)) as connection:
        upgrade(connection, read_steps()[:3])
        connection.execute("INSERT INTO days VALUES (1, ?, ?, 1)", (partition.app, partition.date.isoformat()))
        connection.executemany(
            "INSERT INTO unsettled_facts (id, table_name, facts) VALUES (?, ?, ?)",
            [
                (number, table.value, facts_compressor().compress(orjson.dumps(list(facts.items()))))
                for number, (table, facts) in enumerate({USERS: visits, pages: views}.items(), 1)
            ],
        )
        connection.executemany(
            "INSERT INTO settled_portions VALUES (?, ?, 1)", [(USERS.value, place) for place in range(PORTIONS)]
        )
        connection.commit()
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    counts = [await store.member_counts(USERS, Partition(partition.app, partition.date, shard)) for shard in range(2)]
    totals = await all_totals(store, pages, partition.day)
    await store.close()

    assert [{(0,): 1, (1,): 1}, {(0,): 1}] == counts
    expected = {("/home",): Addition((3,), ([1_000],)), ("/",): Addition((1,), ([],))}
    assert {key: Totals.of(addition) for key, addition in expected.items()} == totals


async def test_commits_are_synced_whatever_was_settled(path: Path, partition: Partition) -> None:
    """Settling does not wait for the disk; what is committed after it does."""
    synced: list[int] = []
    connect = Database.connect_writer

    def watched(database: Database) -> Any:
        connection = connect(database)
        connections.append(connection)
        return connection

    connections: list[sqlite3.Connection] = []
    with patch.object(Database, "connect_writer", watched):
        store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    for number in range(2):
        await commit(store, partition, f"{number}", members_of(USERS, partition, (0, f"u{number}")))
        await store.member_counts(USERS, partition)
        [(level,)] = connections[-1].execute("PRAGMA synchronous").fetchall()
        synced.append(level)
    await store.close()

    assert [2, 2] == synced


async def test_after_a_crash(path: Path, tmp_path: Path, partition: Partition) -> None:
    """Facts that were waiting are counted, once, however often the server crashes."""
    facts = totals_of(partition.day, TotalsTable.VIEWS_BY_PAGE, {("/home",): Addition((1,), ([1_000],))})
    for crash in range(3):
        store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
        await commit(store, partition, f"{crash}", facts)
        if crash == 1:
            await store.totals(TotalsTable.VIEWS_BY_PAGE, partition.day)
        crashed = tmp_path / f"{crash}"
        crashed.mkdir()
        for file in (path, path.with_name(f"{path.name}-wal")):
            shutil.copy(file, crashed)
        await store.close()
        path = crashed / path.name
    store = await SQLiteStore.open(path)
    totals = await all_totals(store, TotalsTable.VIEWS_BY_PAGE, partition.day)
    await store.close()

    assert {("/home",): Totals.of(Addition((3,), ([1_000] * 3,)))} == totals


async def test_blocks_are_known_though_nobody_says_they_are_resent(path: Path, partition: Partition) -> None:
    """Looking costs nothing here. Each is acknowledged with a mark, whether new or known."""
    store = await SQLiteStore.open(path)
    block = block_of(partition, "again", events=7)
    outcomes = [await store.commit([block], set(), saying(NO_FACTS)) for _ in range(3)]
    await store.close()

    assert [[BlockOutcome.STORED], [BlockOutcome.KNOWN], [BlockOutcome.KNOWN]] == outcomes
    assert [(partition.app, f"{partition.date}", 3)] == rows_in(path, "SELECT app, date, blocks FROM days")
    assert [(7,)] == rows_in(path, "SELECT count FROM events")


async def test_totals_can_be_asked_for_in_sql(path: Path, day: Day) -> None:
    """The columns are those of the questions: average times are elapsed by hits, shares are actions by hits."""
    store = await SQLiteStore.open(path)
    partition = Partition(*day, 0)
    tables: dict[TotalsTable, Mapping[Key, Addition]] = {
        TotalsTable.TIME_BY_STAGE: {(0,): Addition((4,), ([6_000] * 4,)), (1,): Addition((2,), ([5_000, 7_000],))},
        TotalsTable.ACTIONS_BY_BUTTON: {("div/button",): Addition((16, 4), ([1_500] * 16, [2_500] * 4))},
        TotalsTable.VIEWS_BY_PAGE: {("/home",): Addition((3,), ([1_000],))},
        TotalsTable.CLICKS_BY_TARGET: {("/home", "buy"): Addition((5,), ([1_000, 1_000],))},
    }
    for table, additions in tables.items():
        await commit(store, partition, table.value, totals_of(day, table, additions))
    await store.close()

    assert [(0, 24_000, 4, 6_000.0), (1, 12_000, 2, 6_000.0)] == rows_in(
        path,
        "SELECT stage, SUM(elapsed), SUM(hits), SUM(elapsed) * 1.0 / SUM(hits) "
        f"FROM days JOIN time_by_stage ON day = id WHERE app = '{day.app}' AND date = '{day.date}' GROUP BY stage",
    )
    assert [("div/button", 16, 24_000, 4, 10_000, 20)] == rows_in(
        path, "SELECT target, hover_leave, elapsed_leave, hover_click, elapsed_click, hits FROM actions_by_button"
    )
    assert [("/home", 3, 1, 1_000)] == rows_in(path, "SELECT url, views, hits, elapsed FROM views_by_page")
    assert [("/home", "buy", 5, 2, 2_000)] == rows_in(
        path, "SELECT url, target, clicks, hits, elapsed FROM clicks_by_target"
    )


async def test_a_day_is_dropped_with_facts_that_wait(path: Path, partition: Partition) -> None:
    """They do not come back when the day does."""
    store = await SQLiteStore.open(path, settle_after_s=AN_HOUR_S)
    await commit(store, partition, "before", members_of(USERS, partition, (0, "u1")))
    await store.drop_day(partition.day, 1)
    await commit(store, partition, "after", members_of(USERS, partition, (0, "u2")))
    members = await all_members(store, USERS, partition)
    await store.close()

    assert [(0, "u2")] == members
    assert [] == rows_in(path, "SELECT * FROM dropped_days")


async def test_a_crash_in_the_middle_of_a_drop(path: Path, partition: Partition) -> None:
    """The day is gone already, and the next drop removes what is left of it."""
    store = await SQLiteStore.open(path)
    await commit(store, partition, "first", members_of(USERS, partition, (0, "u1")))
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("INSERT INTO dropped_days SELECT id FROM days; DELETE FROM days;")
    store = await SQLiteStore.open(path)
    before = await all_members(store, USERS, partition)
    await commit(store, partition, "second", members_of(USERS, partition, (0, "u2")))
    await store.drop_day(Day(f"{partition.app}-other", partition.date), 1)
    after = await all_members(store, USERS, partition)
    await store.close()

    assert ([], [(0, "u2")]) == (before, after)
    assert [("u2",)] == rows_in(path, "SELECT user FROM users_by_stage")


_ADDITIONS = st.lists(
    st.tuples(
        st.tuples(st.sampled_from("abcde"), st.sampled_from("xy")),
        st.lists(st.integers(0, 100_000), max_size=4).map(
            lambda elapsed_ms: Addition((len(elapsed_ms),), (elapsed_ms,))
        ),
    )
)


@given(st.lists(_ADDITIONS, max_size=6), st.integers(0, 4))
def test_totals_add_up_whatever_is_cached(commits: list[list[tuple[Key, Addition]]], most_rows: int) -> None:
    """Rows that are forgotten are read again."""
    table = TotalsTable.CLICKS_BY_TARGET
    columns = TOTALS_COLUMNS[table]
    expected: defaultdict[Key, Totals] = defaultdict(lambda: Totals((0,), (Durations(),)))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        upgrade(connection, read_steps())
        cache = TotalsCache(most_rows)
        for additions in commits:
            pieces = [orjson.dumps((1, key, *addition)) for key, addition in additions]
            settle_facts(connection, table, pieces, cache)
            for key, addition in additions:
                expected[key].add(addition)
        rows = connection.execute(f"SELECT {columns.read} FROM clicks_by_target").fetchall()
    totals = {row.key: row.decode() for row in map(columns.row_of, rows)}

    assert expected == totals
