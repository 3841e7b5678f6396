"""Sets of visitors."""

from typing import Final

import pytest

from eventmanager.blocks import Day, Partition
from eventmanager.facts import Facts, Key, SetTable
from eventmanager.store.protocol import Store
from eventmanager.store.sqlite import reads
from tests.store.made_facts import ODD_TEXTS, all_members, block_of, commit, members_of, saying

LARGEST_STAGE: Final = 2**31 - 1


async def test_members_come_once(store: Store, partition: Partition) -> None:
    """However often and in whatever order commits name them."""
    for number, keys in enumerate([[(10, "u1"), (9, "u2")], [(9, "u1"), (10, "u1"), (9, "u2")], [(9, "u10")]]):
        await commit(store, partition, f"{number}", members_of(SetTable.USERS_BY_STAGE, partition, *keys))

    assert [(9, "u1"), (9, "u10"), (9, "u2"), (10, "u1")] == await all_members(
        store, SetTable.USERS_BY_STAGE, partition
    )


@pytest.mark.parametrize(
    ("table", "keys", "counts"),
    [
        (SetTable.USERS_BY_STAGE, [(0, "u1"), (0, "u2"), (1, "u1")], {(0,): 2, (1,): 1}),
        (
            SetTable.STAGE_GRAPH,
            [(0, 1, "u1"), (0, 1, "u2"), (0, 2, "u1"), (1, 0, "u1")],
            {(0, 1): 2, (0, 2): 1, (1, 0): 1},
        ),
        (
            SetTable.USERS_BY_PLATFORM,
            [("u1", "Firefox", "Linux", "desktop"), ("u1", "Firefox", "Android", "mobile"), ("u2", "", "", "")],
            {(): 2},
        ),
    ],
)
async def test_distinct_visitors_are_counted(
    store: Store, partition: Partition, table: SetTable, keys: list[Key], counts: dict[Key, int]
) -> None:
    """By the columns beside the visitor, and all together in the table that has every one of them."""
    for number, key in enumerate([*keys, *keys]):
        await commit(store, partition, f"{number}", members_of(table, partition, key))

    assert counts == await store.member_counts(table, partition)


@pytest.mark.parametrize("table", SetTable)
async def test_a_partition_without_members(store: Store, partition: Partition, table: SetTable) -> None:
    """It has none, and nothing is counted, also where there is no such day."""
    assert [] == await all_members(store, table, partition)
    assert {} == await store.member_counts(table, partition)
    assert not await store.has_visitor(partition, "u1")


async def test_partitions_keep_apart(store: Store, day: Day) -> None:
    """Members of one shard, day or app are none of another."""
    other_app = Partition(f"{day.app}-other", day.date, 0)
    first, last = Partition(*day, 0), Partition(*day, 255)
    members = {
        first: [("u1", "Firefox", "Linux", "desktop")],
        last: [("u2", "Firefox", "Linux", "desktop")],
        other_app: [("u3", "Firefox", "Linux", "desktop")],
    }
    blocks = [block_of(partition, partition.app) for partition in members]
    await store.commit(blocks, set(), saying(Facts({SetTable.USERS_BY_PLATFORM: members}, {}, [[], [], []])))

    assert members == {
        partition: await all_members(store, SetTable.USERS_BY_PLATFORM, partition) for partition in members
    }
    assert [(True, False, False), (False, True, False), (False, False, True)] == [
        tuple([await store.has_visitor(partition, user) for user in ("u1", "u2", "u3")]) for partition in members
    ]


async def test_more_members_than_a_page(store: Store, partition: Partition) -> None:
    """They come by pages, whose end is no member's end."""
    keys = [(stage, stage + 1, f"u{user:05}") for stage in (0, LARGEST_STAGE - 1) for user in range(23_000)]
    await commit(store, partition, "many", members_of(SetTable.STAGE_GRAPH, partition, *reversed(keys)))

    assert len([page async for page in store.members(SetTable.STAGE_GRAPH, partition)]) > 1
    assert keys == await all_members(store, SetTable.STAGE_GRAPH, partition)
    assert {(0, 1): 23_000, (LARGEST_STAGE - 1, LARGEST_STAGE): 23_000} == await store.member_counts(
        SetTable.STAGE_GRAPH, partition
    )


@pytest.mark.parametrize("page", [1, 2, 3, 5, 6])
async def test_pages_have_no_gaps(
    store: Store, partition: Partition, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Wherever a page ends: among the visitors of one row, or the rows of one visitor."""
    monkeypatch.setattr(reads, "MEMBERS_A_PAGE", page)
    keys = [(f"u{user}", browser, "", "") for user in range(3) for browser in ("Chrome", "Firefox")]
    await commit(store, partition, "all", members_of(SetTable.USERS_BY_PLATFORM, partition, *keys))
    stages = [(stage, f"u{user}") for stage in (1, 2) for user in range(3)]
    await commit(store, partition, "stages", members_of(SetTable.USERS_BY_STAGE, partition, *stages))

    assert keys == await all_members(store, SetTable.USERS_BY_PLATFORM, partition)
    assert stages == await all_members(store, SetTable.USERS_BY_STAGE, partition)


async def test_odd_texts_are_kept_as_they_are(store: Store, partition: Partition) -> None:
    """None is cut, folded into another or taken for SQL."""
    keys = [(user or "u", text, "é", text) for user in ODD_TEXTS for text in ODD_TEXTS]
    await commit(store, partition, "odd", members_of(SetTable.USERS_BY_PLATFORM, partition, *keys))

    assert sorted(keys) == await all_members(store, SetTable.USERS_BY_PLATFORM, partition)
    assert {(): len(ODD_TEXTS)} == await store.member_counts(SetTable.USERS_BY_PLATFORM, partition)
    assert [True] * len(ODD_TEXTS) == [await store.has_visitor(partition, user or "u") for user in ODD_TEXTS]
    assert [False] * 3 == [await store.has_visitor(partition, user) for user in ("a", "E\u0301", "z" * 2_047)]


async def test_members_while_they_grow(store: Store, partition: Partition) -> None:
    """Reading goes on while commits come, and what was there at its start is in it."""
    keys = [(stage, f"u{user:05}") for stage in range(2) for user in range(23_000)]
    await commit(store, partition, "before", members_of(SetTable.USERS_BY_STAGE, partition, *keys))
    seen: list[Key] = []
    async for page in store.members(SetTable.USERS_BY_STAGE, partition):
        await commit(
            store, partition, f"{len(seen)}", members_of(SetTable.USERS_BY_STAGE, partition, (1, f"v{len(seen):05}"))
        )
        seen += [(*columns, device_id) for columns, device_ids in page for device_id in device_ids]

    assert len(set(seen)) == len(seen)
    assert set(keys) <= set(seen)
