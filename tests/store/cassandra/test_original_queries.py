"""The questions that the original schema was made for, asked in CQL."""

from cassandra.cluster import Session

from eventmanager.blocks import Day
from eventmanager.store.cassandra.store import CassandraStore
from tests.store.cassandra.conftest import OpenStore
from tests.store.cassandra.made_blocks import DATE, block, clicked, entered, facts_of, hovered, viewed
from tests.store.cassandra.settled import settled


async def test_visitors_are_counted_by_stage(store: CassandraStore, session: Session, day: Day) -> None:
    """u1 and u2 were in stage 0 and u1 in stage 1: counted in CQL that is 2 and 1, whatever shard they fall to."""
    await store.commit(
        [
            block(day, "first", entered("u1", 0, 6_000), entered("u1", 1, 6_000)),
            block(day, "second", entered("u2", 0, 6_000), shard=1),
        ],
        set(),
        facts_of,
    )

    rows = session.execute(
        f"SELECT app, date, shard, stage, COUNT(user) FROM users_by_stage "
        f"WHERE app = '{day.app}' AND date = '{DATE}' AND shard IN (0, 1) GROUP BY app, date, shard, stage"
    )

    assert [(day.app, 0, 0, 1), (day.app, 0, 1, 1), (day.app, 1, 0, 1)] == [
        (app, shard, stage, users) for app, _, shard, stage, users in rows
    ]


async def test_times_are_summed_by_stage(store: CassandraStore, session: Session, day: Day) -> None:
    """Stage 0 with 4 hits of 24 s in all averages 6 s, and stage 1 with 2 hits of 12 s, too."""
    rows = [entered(f"u{elapsed_ms}", 0, elapsed_ms) for elapsed_ms in (3_000, 5_000, 7_000, 9_000)]
    rows += [entered("u3000", 1, 4_000), entered("u5000", 1, 8_000)]
    await store.commit([block(day, "times", *rows)], set(), facts_of)

    await settled(session, day)
    summed = session.execute(
        f"SELECT app, date, shard, stage, SUM(elapsed), SUM(hits) FROM time_by_stage "
        f"WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0 GROUP BY app, date, shard, stage"
    )

    assert [(0, 24_000, 4), (1, 12_000, 2)] == [(stage, elapsed, hits) for *_, stage, elapsed, hits in summed]


async def test_hovers_are_summed_by_button(store: CassandraStore, session: Session, day: Day) -> None:
    """The button div/button with 16 hovers left after 24 s and 4 clicked after 10 s has 20 hits."""
    left = [hovered(f"u{number}", "div/button", 1_500, clicked=False) for number in range(16)]
    then_clicked = [hovered(f"v{number}", "div/button", 2_500, clicked=True) for number in range(4)]
    await store.commit([block(day, "hovers", *left, *then_clicked)], set(), facts_of)

    await settled(session, day)
    summed = session.execute(
        f"SELECT app, date, shard, target, SUM(hover_leave), SUM(elapsed_leave), SUM(hover_click), SUM(elapsed_click), "
        f"SUM(hits) FROM actions_by_button "
        f"WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0 GROUP BY app, date, shard, target"
    )

    assert [("div/button", 16, 24_000, 4, 10_000, 20)] == [row[3:] for row in summed]


async def test_pages_and_clicks_are_summed_over_ledgers(
    store: CassandraStore, session: Session, day: Day, open_store: OpenStore
) -> None:
    """What two servers counted of one page adds up in CQL."""
    other = await open_store()
    rows = [viewed("u1", "/home", "/", 2_000), clicked("u1", "/home", "a", 1_000)]
    await store.commit([block(day, "here", *rows)], set(), facts_of)
    await other.commit(
        [block(day, "there", viewed("u2", "/home", "/", 4_000), clicked("u2", "/home", "a", 500))], set(), facts_of
    )

    await settled(session, day)
    where = f"WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0 GROUP BY app, date, shard, url"
    pages = session.execute(f"SELECT url, SUM(views), SUM(elapsed), SUM(hits) FROM views_by_page {where}")
    clicks = session.execute(
        f"SELECT url, target, SUM(clicks), SUM(elapsed), SUM(hits) FROM clicks_by_target {where}, target"
    )

    assert [("/", 0, 6_000, 2), ("/home", 2, 0, 0)] == list(pages)
    assert [("/home", "a", 2, 1_500, 2)] == list(clicks)
