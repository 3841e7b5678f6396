"""What a process remembers is bounded."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from eventmanager.blocks import Partition
from eventmanager.facts import SetTable
from eventmanager.memory import Memory
from eventmanager.remembered_ids import RememberedIds

_PARTITIONS = [Partition("007", datetime.date(2026, 3, day), 0) for day in (1, 2)]


@given(st.integers(0, 20), st.lists(st.integers(1, 8), max_size=30))
def test_the_last_ids_are_remembered(least: int, commits: list[int]) -> None:
    """So many as were asked for, and at most as many more as a half of them or one commit."""
    ids = RememberedIds(least)
    added = 0
    for count in commits:
        ids.add(set(range(added, added + count)))
        added += count
        remembered = [key for key in range(added) if key in ids]

        assert set(range(max(0, added - least), added)) <= set(remembered)
        assert len(remembered) <= least + max(least // 2, *commits, 1)
        assert not remembered or not ids.isdisjoint({remembered[0], -1})
        assert ids.isdisjoint({-1})


def test_visitors_are_forgotten_of_partitions_that_were_used_longest_ago() -> None:
    """As many as there is no room for."""
    memory = Memory(0, most_rows=100)
    for partition in _PARTITIONS:
        for user in range(80):
            memory.visitors(partition).add_rows(SetTable.USERS_BY_STAGE, (1,), {f"{user}"})
        memory.keep()
    older, newer = map(memory.visitors, _PARTITIONS)

    assert 90 < len(older) + len(newer) <= 100
    assert 80 == len(newer)
    assert set() == newer.add_rows(SetTable.USERS_BY_STAGE, (1,), {"0", "79"})


def test_rows_forgotten_are_new_again() -> None:
    """And only those, of each table and of whatever other columns they have."""
    memory = Memory(0, most_rows=1_000)
    visitors = memory.visitors(_PARTITIONS[0])
    users = {table: {stage: {f"{table}{stage}{user}" for user in range(200)} for stage in (1, 2)} for table in SetTable}
    for table, by_stage in users.items():
        for stage, of_stage in by_stage.items():
            visitors.add_rows(table, (stage,), of_stage)
    memory.keep()
    for table, by_stage in users.items():
        remembered = visitors.count(table)
        assert 300 < remembered < 400

        new = [visitors.add_rows(table, (stage,), of_stage) for stage, of_stage in by_stage.items()]

        assert 400 - remembered == sum(map(len, new))
        assert all(map(set.issubset, new, by_stage.values()))
        assert 400 == visitors.count(table)


def test_one_partition_alone_is_bounded_too() -> None:
    """However many visitors it has, and however few of them have any other column in common."""
    memory = Memory(0, most_rows=100)
    visitors = memory.visitors(_PARTITIONS[0])
    for user in range(1_000):
        visitors.add_rows(SetTable.USERS_BY_STAGE, (0,), {f"{user}"})
        visitors.add_rows(SetTable.USERS_BY_PLATFORM, (f"{user}", "", ""), {f"{user}"})
        visitors.stage_of[f"{user}"] = (0, "", 0)
    memory.keep()

    assert 90 < len(visitors) <= 100
    assert len(visitors) == sum(map(visitors.count, SetTable)) + len(visitors.stage_of)
    assert "999" in visitors.stage_of
    assert "0" not in visitors.stage_of
