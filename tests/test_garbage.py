"""Garbage that refers to itself goes, though the interpreter does not look for it."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from eventmanager import garbage
from eventmanager.garbage import GarbageCollection


class _Node:
    def __init__(self) -> None:
        self.myself = self


@pytest.fixture(autouse=True)
def interpreters_own_collection() -> Iterator[None]:
    """Let the interpreter collect again afterwards."""
    yield
    gc.enable()
    gc.unfreeze()


def make_garbage() -> "weakref.ref[_Node]":
    """Return what tells whether some garbage is still there."""
    return weakref.ref(_Node())


def test_calls_have_it_collected() -> None:
    """Not each of them: some hundreds together."""
    collection = GarbageCollection(lambda: True)
    collection.take_over()
    left = make_garbage()
    collection.note_call()
    is_there_after_a_call = left() is not None
    for _ in range(200):
        collection.note_call()

    assert not gc.isenabled()
    assert is_there_after_a_call
    assert left() is None


@pytest.mark.parametrize(("is_busy", "most_intervals"), [(False, 1_000_000), (True, 2)])
async def test_it_is_collected_now_and_then(is_busy: bool, most_intervals: int) -> None:
    """When nothing is to be done, and when something always is."""
    with patch.object(garbage, "_INTERVAL_S", 0.001), patch.object(garbage, "_MOST_INTERVALS_BUSY", most_intervals):
        collection = GarbageCollection(lambda: is_busy)
        running = asyncio.create_task(collection.run())
        collection.take_over()
        left = make_garbage()
        async with asyncio.timeout(10):
            while left() is not None:  # noqa: ASYNC110 - what is collected tells nobody.
                await asyncio.sleep(0.001)
        running.cancel()


def test_the_interpreter_collects_until_it_is_taken_over() -> None:
    """A server beside other things leaves it alone."""
    collection = GarbageCollection(lambda: False)
    with patch.object(gc, "collect") as collect:
        for _ in range(1_000):
            collection.note_call()

    assert gc.isenabled()
    assert not collect.called
