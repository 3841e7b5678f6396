"""Durations that grow are encoded as those that do not."""

import random
from typing import Final

from eventmanager.durations import Durations
from eventmanager.store.cassandra.growing_durations import GrowingDurations

_SEED: Final = 7


def test_each_encoding_is_that_of_the_durations_so_far() -> None:
    """From few to many buckets, a few more at a time and many at once, of up to days."""
    draw = random.Random(_SEED)
    growing = GrowingDurations()
    plain = Durations()
    for step in range(600):
        longest_ms = 10 ** draw.randint(1, 9)
        more = [draw.randrange(longest_ms) for _ in range(draw.choice([0, 1, 2, 5, 200 if step % 50 == 0 else 3]))]
        growing.add(more)
        plain.add(iter(more))

        assert plain.encode() == growing.encode()
    assert plain == growing
    assert len(plain.buckets) > 300


def test_merged_durations_are_encoded_too() -> None:
    """Among many that were encoded before, and before more are added."""
    growing = GrowingDurations.of(range(0, 2_000, 7))
    growing.encode()
    growing.encode()
    growing.merge(GrowingDurations.of([1, 10**6]))
    growing.add([3])

    assert Durations.of([*range(0, 2_000, 7), 1, 10**6, 3]).encode() == growing.encode()
