"""What a process remembers is bounded."""

import datetime

from hypothesis import given
from hypothesis import strategies as st

from eventmanager.blocks import Partition
from eventmanager.events import Platform
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


def test_visitors_are_forgotten_the_oldest_first() -> None:
    """Those of the partition used longest ago before others, and of one those that came first."""
    memory = Memory(0, most_rows=100)
    for partition in _PARTITIONS:
        platforms = memory.visitors(partition).platform_of
        for user in range(80):
            platforms[f"{user}"] = Platform("Firefox", "Linux", "desktop")
        memory.keep()
    older, newer = (memory.visitors(partition).platform_of for partition in _PARTITIONS)

    assert 90 < len(older) + len(newer) <= 100
    assert 80 == len(newer)
    assert "79" in older
    assert "0" not in older


def test_one_partition_alone_is_bounded_too() -> None:
    """However many visitors it has."""
    memory = Memory(0, most_rows=100)
    visitors = memory.visitors(_PARTITIONS[0])
    for user in range(1_000):
        visitors.stage_users[0, f"{user}"] = None
    memory.keep()

    assert 90 < len(visitors) <= 100
    assert (0, "999") in visitors.stage_users
