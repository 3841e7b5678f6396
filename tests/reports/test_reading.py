"""Reads side by side: bounded, and with the first failure as it was raised."""

import asyncio

import pytest

from eventmanager.errors import StoreUnavailableError
from eventmanager.reports.reading import READS_AT_ONCE, for_each, in_portions


async def test_all_work_is_done_some_at_a_time() -> None:
    """Never more than the bound is under way, and that much where there is enough to do."""
    under_way = most_under_way = 0
    done: list[int] = []

    async def work(item: int) -> None:
        nonlocal under_way, most_under_way
        under_way += 1
        most_under_way = max(most_under_way, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        done.append(item)

    await for_each(range(100), work)

    assert list(range(100)) == sorted(done)
    assert READS_AT_ONCE == most_under_way


async def test_a_failure_is_raised_as_it_is() -> None:
    """The status of a call depends on the error: it comes alone, and nothing is begun after it."""
    begun: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        await asyncio.sleep(0)
        raise StoreUnavailableError(f"disk {item}")

    with pytest.raises(StoreUnavailableError, match="disk 0"):
        await for_each(range(100), work)

    assert list(range(READS_AT_ONCE)) == begun


async def test_other_work_goes_on_between_portions() -> None:
    """Whoever waits for the event loop gets it after each portion of rows."""
    turns: list[str] = []

    async def other_work() -> None:
        for _ in range(3):
            turns.append("other")
            await asyncio.sleep(0)

    other = asyncio.create_task(other_work())
    async for portion in in_portions("abcde", 2):
        turns.extend(portion)
    await other

    assert ["a", "b", "other", "c", "d", "other", "e", "other"] == turns
    assert [] == [portion async for portion in in_portions("", 2)]
