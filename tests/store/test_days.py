"""Which days there are, and how they go."""

import datetime

from eventmanager.blocks import Day, Partition
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
    saying,
)

SHARDS = 4
VIEWED_ONCE = Addition((1,), ([5_000],))


def facts_of_all_tables(day: Day) -> Facts:
    """Say something of every table and shard."""
    partitions = [Partition(*day, shard) for shard in range(SHARDS)]
    users = [(f"u{number}", "Firefox", "Linux", "desktop") for number in range(1_500)]
    return Facts(
        {
            SetTable.USERS_BY_STAGE: {partition: [(0, "u1"), (1, "u1")] for partition in partitions},
            SetTable.USERS_BY_PLATFORM: dict.fromkeys(partitions, users),
            SetTable.STAGE_GRAPH: {partition: [(0, 1, "u1")] for partition in partitions},
        },
        {
            day: {
                TotalsTable.TIME_BY_STAGE: {(0,): VIEWED_ONCE},
                TotalsTable.ACTIONS_BY_BUTTON: {("buy",): Addition((1, 0), ([1_000], ()))},
                TotalsTable.VIEWS_BY_PAGE: {(f"/{number}",): VIEWED_ONCE for number in range(5_000)},
                TotalsTable.CLICKS_BY_TARGET: {("/home", "buy"): VIEWED_ONCE},
                TotalsTable.TRAFFIC: {(0,): Addition((1, 1, 1, 1), ())},
            }
        },
        [[]],
    )


async def fill(store: Store, day: Day) -> list[BlockOutcome]:
    """Commit a block for each shard of a day, with facts for all tables."""
    blocks = [block_of(Partition(*day, shard), f"{day.date} {shard}") for shard in range(SHARDS)]
    return await store.commit(blocks, set(), saying(facts_of_all_tables(day)))


async def rows_of(store: Store, day: Day) -> list[int]:
    """Count what there is of a day in each table and the log."""
    partitions = [Partition(*day, shard) for shard in range(SHARDS)]
    return [
        *[sum([len(await all_members(store, table, partition)) for partition in partitions]) for table in SetTable],
        *[len(await all_totals(store, table, day)) for table in TotalsTable],
        sum([len(await all_blocks(store, partition)) for partition in partitions]),
    ]


ROWS_OF_A_FULL_DAY = [8, 6_000, 4, 1, 1, 5_000, 1, 1, 4]
NO_ROWS = [0] * 9


async def test_dates_of_an_app(store: Store, app: str) -> None:
    """Those with events, within the bounds, oldest first; other apps' are not among them."""
    dates = [DATE, datetime.date(2000, 1, 1), datetime.date(2999, 12, 31), DATE - A_DAY, DATE]
    for number, date in enumerate(dates):
        await store.commit([block_of(Partition(app, date, number), f"{number}")], set(), saying(NO_FACTS))
    await store.commit([block_of(Partition(f"{app}-other", DATE + A_DAY, 0), "other")], set(), saying(NO_FACTS))

    assert [datetime.date(2000, 1, 1), DATE - A_DAY, DATE, datetime.date(2999, 12, 31)] == list(
        await store.dates(app, datetime.date.min, datetime.date.max)
    )
    assert [DATE - A_DAY, DATE] == list(await store.dates(app, DATE - A_DAY, DATE))
    assert [DATE - A_DAY, DATE] == list(await store.nearby_dates(app, DATE - A_DAY, DATE))
    assert [] == list(await store.dates(app, DATE + A_DAY, DATE + 9 * A_DAY))
    assert [] == list(await store.dates(f"{app}-nobody", datetime.date.min, datetime.date.max))


async def test_a_dropped_day_is_gone(store: Store, day: Day) -> None:
    """From the log, from every table and from the list, and the days beside it are as before."""
    before, after = Day(day.app, DATE - A_DAY), Day(day.app, DATE + A_DAY)
    for one in (before, day, after):
        await fill(store, one)
    await store.drop_day(day, SHARDS)

    assert [ROWS_OF_A_FULL_DAY, NO_ROWS, ROWS_OF_A_FULL_DAY] == [
        await rows_of(store, one) for one in (before, day, after)
    ]
    assert [before.date, after.date] == list(await store.dates(day.app, DATE - A_DAY, DATE + A_DAY))


async def test_a_day_that_is_not_there_is_dropped(store: Store, day: Day) -> None:
    """Nothing happens, once or twice."""
    await store.drop_day(day, SHARDS)
    await fill(store, day)
    for _ in range(2):
        await store.drop_day(day, SHARDS)

    assert NO_ROWS == await rows_of(store, day)


async def test_a_dropped_day_can_be_filled_again(store: Store, day: Day) -> None:
    """It begins with nothing: neither its blocks nor its totals are known."""
    await fill(store, day)
    await store.drop_day(day, SHARDS)
    outcomes = await fill(store, day)

    assert [BlockOutcome.STORED] * SHARDS == outcomes
    assert ROWS_OF_A_FULL_DAY == await rows_of(store, day)
    assert {(0,): Totals.of(VIEWED_ONCE)} == await all_totals(store, TotalsTable.TIME_BY_STAGE, day)


async def test_days_opened_again(reopen: OpenStore, day: Day) -> None:
    """Days filled are there, and days dropped are not."""
    next_day = Day(day.app, DATE + A_DAY)
    store = await reopen()
    await fill(store, day)
    await fill(store, next_day)
    await store.drop_day(day, SHARDS)
    store = await reopen()

    assert [NO_ROWS, ROWS_OF_A_FULL_DAY] == [await rows_of(store, day), await rows_of(store, next_day)]
    assert [next_day.date] == list(await store.dates(day.app, DATE, DATE + A_DAY))
