"""Totals."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventmanager.blocks import Day, Partition
from eventmanager.durations import Durations
from eventmanager.facts import Addition, Facts, Key, Totals, TotalsTable
from eventmanager.store.protocol import Store
from tests.store.conftest import OpenStore
from tests.store.made_facts import A_DAY, ODD_TEXTS, all_totals, block_of, commit, saying, totals_of

THIRTY_DAYS_MS: Final = 30 * 86_400_000
LARGEST_STAGE: Final = 2**31 - 1

TABLES: Final = [
    (TotalsTable.TIME_BY_STAGE, (LARGEST_STAGE,), Addition((3,), ([0, THIRTY_DAYS_MS],))),
    (TotalsTable.ACTIONS_BY_BUTTON, ("div/button",), Addition((2, 1), ([1_500, 0], [31]))),
    (TotalsTable.VIEWS_BY_PAGE, ("/home",), Addition((4,), ([33, 33, 5_000],))),
    (TotalsTable.CLICKS_BY_TARGET, ("/home", "buy"), Addition((1,), ((),))),
    (TotalsTable.TRAFFIC, (24,), Addition((1, 2, 3, 4), ())),
]
"""Each table with a key and what may be added to it."""


@pytest.mark.parametrize(("table", "key", "addition"), TABLES)
async def test_additions_add_up(
    store: Store, partition: Partition, table: TotalsTable, key: Key, addition: Addition
) -> None:
    """Over commits, whether anybody reads between them or not."""
    facts = totals_of(partition.day, table, {key: addition})
    counts = tuple(4 * count for count in addition.counts)
    expected = Totals.of(Addition(counts, tuple([*elapsed_ms] * 4 for elapsed_ms in addition.elapsed_ms)))
    await commit(store, partition, "first", facts)
    once = await all_totals(store, table, partition.day)
    for name in ("second", "third", "fourth"):
        await commit(store, partition, name, facts)

    assert {key: Totals.of(addition)} == once
    assert {key: expected} == await all_totals(store, table, partition.day)


@pytest.mark.parametrize("table", TotalsTable)
async def test_a_day_without_totals(store: Store, day: Day, table: TotalsTable) -> None:
    """It has no rows, also where there is no such day."""
    assert [] == list(await store.totals(table, day))


async def test_days_keep_apart(store: Store, day: Day) -> None:
    """Totals of one day or app are none of another, though one commit brings them all."""
    days = [day, Day(day.app, day.date + A_DAY), Day(f"{day.app}-other", day.date)]
    additions = [Addition((number + 1,), ([number],)) for number in range(3)]
    blocks = [block_of(Partition(*one, 0), f"{number}") for number, one in enumerate(days)]
    totals = {
        one: {TotalsTable.VIEWS_BY_PAGE: {("/home",): addition}} for one, addition in zip(days, additions, strict=True)
    }
    await store.commit(blocks, set(), saying(Facts({}, totals, [[], [], []])))

    assert [{("/home",): Totals.of(addition)} for addition in additions] == [
        await all_totals(store, TotalsTable.VIEWS_BY_PAGE, one) for one in days
    ]


async def test_odd_texts_are_kept_as_they_are(store: Store, partition: Partition) -> None:
    """As keys that are told apart, in either column."""
    additions = {
        (url, target): Addition((place + 1,), ([place],))
        for place, (url, target) in enumerate((url, target) for url in ODD_TEXTS for target in ODD_TEXTS)
    }
    for name in ("first", "second"):
        await commit(store, partition, name, totals_of(partition.day, TotalsTable.CLICKS_BY_TARGET, additions))
    expected = {
        key: Totals.of(Addition((2 * addition.counts[0],), ([*addition.elapsed_ms[0]] * 2,)))
        for key, addition in additions.items()
    }

    assert expected == await all_totals(store, TotalsTable.CLICKS_BY_TARGET, partition.day)


async def test_more_rows_than_a_page(store: Store, partition: Partition) -> None:
    """All of them come."""
    additions = {(f"/page/{page}",): Addition((1,), ([page],)) for page in range(12_000)}
    await commit(store, partition, "many", totals_of(partition.day, TotalsTable.VIEWS_BY_PAGE, additions))

    assert {key: Totals.of(addition) for key, addition in additions.items()} == await all_totals(
        store, TotalsTable.VIEWS_BY_PAGE, partition.day
    )


async def test_opened_again(reopen: OpenStore, partition: Partition) -> None:
    """Totals go on where they were."""
    for name in ("first", "second", "third"):
        store = await reopen()
        facts = totals_of(partition.day, TotalsTable.VIEWS_BY_PAGE, {("/home",): Addition((2,), ([6_000],))})
        await commit(store, partition, name, facts)
    store = await reopen()

    assert {("/home",): Totals.of(Addition((6,), ([6_000] * 3,)))} == await all_totals(
        store, TotalsTable.VIEWS_BY_PAGE, partition.day
    )


_ADDITIONS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", "c"])),
    st.builds(
        lambda left, clicked: Addition((len(left), len(clicked)), (left, clicked)),
        st.lists(st.integers(0, THIRTY_DAYS_MS), max_size=5),
        st.lists(st.integers(0, THIRTY_DAYS_MS), max_size=5),
    ),
    min_size=1,
)


@given(st.lists(st.tuples(_ADDITIONS, st.booleans()), max_size=8))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_any_additions_add_up(
    store: Store, days: Iterator[Day], commits: list[tuple[dict[Key, Addition], bool]]
) -> None:
    """Whatever commits bring, and wherever somebody reads between them."""
    day = next(days)
    expected: dict[Key, Totals] = {}
    for number, (additions, is_read) in enumerate(commits):
        facts = totals_of(day, TotalsTable.ACTIONS_BY_BUTTON, additions)
        await commit(store, Partition(*day, 0), f"{number}", facts)
        for key, addition in additions.items():
            expected.setdefault(key, Totals((0, 0), (Durations(), Durations()))).add(addition)
        if is_read:
            assert expected == await all_totals(store, TotalsTable.ACTIONS_BY_BUTTON, day)

    assert expected == await all_totals(store, TotalsTable.ACTIONS_BY_BUTTON, day)
