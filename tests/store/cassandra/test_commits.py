"""What a commit leaves in the tables, and what it answers when a part of it fails."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from cassandra.cluster import Session

from eventmanager.blocks import Block, Day, Partition
from eventmanager.committer import Committer
from eventmanager.facts import Addition, Facts, Key, SetTable, TotalsTable
from eventmanager.memory import Memory
from eventmanager.store.cassandra.address import CassandraAddress
from eventmanager.store.cassandra.ledger import Ledger
from eventmanager.store.cassandra.migrations import steps_of_code
from eventmanager.store.cassandra.store import CassandraStore
from eventmanager.store.protocol import BlockOutcome
from tests.store.cassandra.conftest import OpenStore
from tests.store.cassandra.made_blocks import DATE, block, entered, facts_of, viewed
from tests.store.cassandra.settled import wait_until

STORED, KNOWN, UNAVAILABLE = BlockOutcome.STORED, BlockOutcome.KNOWN, BlockOutcome.UNAVAILABLE


async def hits(store: CassandraStore, day: Day) -> int:
    """Sum up the hits of all stages."""
    return sum(row.counts[0] for row in await store.totals(TotalsTable.TIME_BY_STAGE, day))


def marks(session: Session, day: Day, shard: int = 0) -> list[int]:
    """Return how many blocks each ledger says to have acknowledged."""
    rows = session.execute(
        f"SELECT SUM(blocks), ledger FROM traffic WHERE app = '{day.app}' AND date = '{DATE}' AND shard = {shard} "
        "GROUP BY app, date, shard, hour, ledger"
    )
    return sorted(blocks for blocks, _ in rows)


async def test_a_block_resent_to_another_server_is_known(
    store: CassandraStore, open_store: OpenStore, session: Session, day: Day
) -> None:
    """Its totals are not added again, and the second server's answer raises a mark, too."""
    sent = block(day, "sent", entered("u1", 1, 1_000))
    other = await open_store()

    outcomes = [
        await store.commit([sent], set(), facts_of),
        await other.commit([sent], {sent.block_id}, facts_of),
        await store.commit([sent], {sent.block_id}, facts_of),
    ]

    assert [[STORED], [KNOWN], [KNOWN]] == outcomes
    assert 1 == await hits(store, day)
    assert [1, 2] == marks(session, day)


async def test_sets_of_a_known_block_are_written_again(store: CassandraStore, session: Session, day: Day) -> None:
    """Where a server died after it wrote a block's log row, whoever gets the block again writes its visitors."""
    sent = block(day, "orphan", entered("u1", 1, 1_000), entered("u1", 2, 1_000, left=1))
    session.execute(
        "INSERT INTO events (app, date, shard, block, count, payload) VALUES (%s, %s, 0, %s, 2, %s)",
        (day.app, DATE, sent.block_id, sent.payload),
    )

    outcomes = await store.commit([sent], {sent.block_id}, facts_of)

    assert [KNOWN] == outcomes
    assert {(1,): 1, (2,): 1} == await store.member_counts(SetTable.USERS_BY_STAGE, sent.partition)
    assert {(): 1} == await store.member_counts(SetTable.USERS_BY_PLATFORM, sent.partition)
    assert {(1, 2): 1} == await store.member_counts(SetTable.STAGE_GRAPH, sent.partition)
    assert 0 == await hits(store, day)
    assert [1] == marks(session, day)


async def test_each_block_has_its_own_outcome(
    store: CassandraStore, day: Day, caplog: pytest.LogCaptureFixture
) -> None:
    """A log row that Cassandra refuses, here for its size, costs the others nothing."""
    too_large = block(day, "too large", entered("u1", 1, 1_000), payload=bytes(20 * 2**20))
    good = [block(day, f"good {number}", entered(f"v{number}", 1, 1_000), shard=number % 2) for number in range(4)]
    folded: list[Sequence[Block]] = []

    def remember(blocks: Sequence[Block]) -> Facts:
        folded.append(blocks)
        return facts_of(blocks)

    outcomes = await store.commit([*good[:2], too_large, *good[2:]], set(), remember)

    assert [STORED, STORED, UNAVAILABLE, STORED, STORED] == outcomes
    assert good == folded[-1]
    assert 4 == await hits(store, day)
    assert ["1 events in 1 blocks could not be stored"] == [text.partition(":")[0] for text in caplog.messages]


async def test_what_was_folded_of_a_block_that_is_not_stored_counts_for_nothing(
    store: CassandraStore, day: Day
) -> None:
    """It is folded while it is written. Its events are new when they come again, and those of others are copies."""
    committer = Committer(store, Memory(100), most_waiting_events=100)
    good = block(day, "good", entered("u1", 1, 1_000), entered("u1", 2, 1_000))
    lost = (entered("u2", 1, 1_000), entered("u1", 3, 1_000))

    async def outcomes(*blocks: Block) -> list[tuple[BlockOutcome, list[int]]]:
        answers = await asyncio.gather(*committer.submit(blocks, resent=False))
        return [(answer.outcome, list(answer.copies)) for answer in answers]

    first = await outcomes(good, block(day, "too large", *lost, payload=bytes(20 * 2**20)))
    hits_first = await hits(store, day)
    visitors_first = await store.member_counts(SetTable.USERS_BY_STAGE, good.partition)
    again = await outcomes(block(day, "again", *lost, entered("u1", 1, 1_000)))
    only_lost = await outcomes(block(day, "lost again", *lost, payload=bytes(20 * 2**20)))

    assert [(STORED, []), (UNAVAILABLE, [])] == first
    assert (2, {(1,): 1, (2,): 1}) == (hits_first, visitors_first)
    assert [(STORED, [2])] == again
    assert [(UNAVAILABLE, [])] == only_lost
    assert 4 == await hits(store, day)
    assert {(1,): 2, (2,): 1, (3,): 1} == await store.member_counts(SetTable.USERS_BY_STAGE, good.partition)
    assert {(1, 2): 1, (2, 3): 1} == await store.member_counts(SetTable.STAGE_GRAPH, good.partition)


async def test_what_is_written_is_on_its_way_before_this_process_computes(
    store: CassandraStore, session: Session, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log rows before blocks are folded, and rows of sets before totals are encoded: nothing is sent meanwhile."""
    found: list[str] = []
    take = Ledger.take

    def look_for_row_in(table: str) -> None:
        query = f"SELECT app FROM {table} WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0"
        end_s = time.monotonic() + 5
        while time.monotonic() < end_s:
            if session.execute(query).one():
                found.append(table)
                break

    def fold_late(blocks: Sequence[Block]) -> Facts:
        look_for_row_in("events")
        return facts_of(blocks)

    def take_late(ledger: Ledger, totals: Mapping[TotalsTable, Mapping[Key, Addition]]) -> None:
        look_for_row_in("users_by_stage")
        take(ledger, totals)

    monkeypatch.setattr(Ledger, "take", take_late)

    outcomes = await store.commit([block(day, "sent", entered("u1", 1, 1_000))], set(), fold_late)

    assert [STORED] == outcomes
    assert ["events", "users_by_stage"] == found


async def test_small_blocks_are_written_together(
    own_store: CassandraStore, own_address: CassandraAddress, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """All of a partition's are there, or none is taken for stored; and they are told apart as ever."""
    day = Day("app", DATE)
    blocks = [
        block(day, f"{number}", entered(f"u{number}", 1, 1_000), payload=bytes(120_000), shard=number % 2)
        for number in range(30)
    ]
    outcomes = await own_store.commit(blocks[:20], set(), facts_of)
    again = await own_store.commit(blocks[10:], {sent.block_id for sent in blocks}, facts_of)
    logged = [row async for page in own_store.log(blocks[0].partition) for row in page]
    session.execute(f"DROP TABLE {own_address.keyspace}.events")
    lost = await own_store.commit(
        [block(day, f"lost {number}", entered("u", 1, 1)) for number in range(5)], set(), facts_of
    )

    assert [STORED] * 20 == outcomes
    assert [KNOWN] * 10 + [STORED] * 10 == again
    assert {sent.block_id for sent in blocks[::2]} == {row.block_id for row in logged}
    assert [UNAVAILABLE] * 5 == lost
    assert 30 == await hits(own_store, day)
    assert ["5 events in 5 blocks could not be stored"] == [text.partition(":")[0] for text in caplog.messages]


async def test_rows_that_a_node_would_not_take_at_once_are_all_written(
    own_store: CassandraStore, own_address: CassandraAddress, session: Session
) -> None:
    """Thousands of pages with the longest names, 6 MB, while there is a table and once there is one again."""
    day = Day("app", DATE)
    urls = [f"{number:05}".ljust(2_048, "/") for number in range(3_000)]
    table = f"{own_address.keyspace}.views_by_page"
    (creation,) = [cql for step in steps_of_code() for cql in step.statements if "EXISTS views_by_page " in cql]

    sent = block(day, "sent", *(viewed("u1", url, "", 1_000) for url in urls))
    first = await own_store.commit([sent], set(), facts_of)
    session.execute(f"DROP TABLE {table}")
    resent = block(day, "unlucky", *(viewed("u2", url, "", 1_000) for url in urls))
    second = await own_store.commit([resent], set(), facts_of)
    session.execute(creation.replace("views_by_page", table, 1))
    session.execute(f"ALTER TABLE {table} ADD added bigint")
    await wait_until(lambda: session.execute(f"SELECT COUNT(*) FROM {table}").one() == (len(urls),))
    views: Counter[str] = Counter()
    for row in await own_store.totals(TotalsTable.VIEWS_BY_PAGE, day):
        views[row.key[0]] += row.counts[0]

    assert [[STORED], [STORED]] == [first, second]
    assert dict.fromkeys(urls, 2) == views


@pytest.mark.parametrize("table", ["waiting_totals", "users_by_stage", "traffic"])
async def test_facts_that_could_not_be_written_are_written_later(
    own_store: CassandraStore, own_address: CassandraAddress, session: Session, table: str
) -> None:
    """The block is unsettled then; resent it is known, and everything counts once."""
    store = own_store
    day = Day("app", DATE)
    sent = block(day, "sent", entered("u1", 1, 1_000))
    full_name = f"{own_address.keyspace}.{table}"
    (creation,) = [cql for step in steps_of_code() for cql in step.statements if f"EXISTS {table} " in cql]
    session.execute(f"DROP TABLE {full_name}")

    first = await store.commit([sent], set(), facts_of)
    session.execute(creation.replace(table, full_name, 1))
    async with asyncio.timeout(10):
        while not session.execute(f"SELECT * FROM {full_name} LIMIT 1").one():  # noqa: ASYNC110 - nothing tells.
            await asyncio.sleep(0.1)

    assert [BlockOutcome.UNSETTLED] == first
    assert [KNOWN] == await store.commit([sent], {sent.block_id}, facts_of)
    assert 1 == await hits(store, day)
    assert {(1,): 1} == await store.member_counts(SetTable.USERS_BY_STAGE, sent.partition)


async def test_rows_expire_with_their_day(store: CassandraStore, session: Session, day: Day) -> None:
    """Every row of a day has the same time left, whenever it was written."""
    expire_time_s = int(time.time()) + 100_000
    for name in ("first", "second"):
        await store.commit(
            [block(day, name, entered("u1", 1, 1_000), entered("u1", 2, 1_000, left=1), expire_time_s=expire_time_s)],
            set(),
            facts_of,
        )

    left_s = set()
    for table, column in [("events", "payload"), ("time_by_stage", "hits"), ("traffic", "blocks")]:
        rows = session.execute(
            f"SELECT TTL({column}) FROM {table} WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0"
        )
        left_s |= {left for (left,) in rows}
    left_s |= {left for (left,) in session.execute(f"SELECT TTL(shard) FROM days WHERE app = '{day.app}'")}

    assert max(left_s) <= 100_000
    assert max(left_s) - min(left_s) <= 5


async def test_a_day_that_is_dropped_is_gone(store: CassandraStore, day: Day) -> None:
    """Also the totals that the server holds in memory."""
    blocks = [block(day, f"block {shard}", entered(f"u{shard}", 1, 1_000), shard=shard) for shard in range(4)]
    await store.commit(blocks, set(), facts_of)

    await store.drop_day(day, 4)

    assert [] == await store.dates(day.app, DATE, DATE)
    assert [] == await store.totals(TotalsTable.TIME_BY_STAGE, day)
    for partition in (Partition(*day, shard) for shard in range(4)):
        assert [] == [page async for page in store.log(partition)]
        for table in SetTable:
            assert [] == [page async for page in store.members(table, partition)]

    await store.commit([block(day, "after", entered("u9", 1, 1_000))], set(), facts_of)

    assert 1 == await hits(store, day)
