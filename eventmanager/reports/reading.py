"""Reads side by side, but not too many, and in portions small enough that ingest does not wait for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

READS_AT_ONCE: Final = 8
"""How many reads one report has under way."""
COUNTED_AT_ONCE: Final = 2_000
"""How many rows are counted before other work gets its turn: some milliseconds'."""
DECODED_AT_ONCE: Final = 100
"""The same for rows whose durations are decoded."""

_T = TypeVar("_T")


async def for_each(items: Iterable[_T], work: Callable[[_T], Awaitable[None]]) -> None:
    """Do some work for each item, READS_AT_ONCE at a time. Raises what the first failure raised."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(READS_AT_ONCE):
                workers.create_task(worker())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def in_portions(rows: Sequence[_T], at_once: int) -> AsyncIterator[Sequence[_T]]:
    """Hand out so many rows at a time, and let other work go on between."""
    for start in range(0, len(rows), at_once):
        if start:
            await asyncio.sleep(0)
        yield rows[start : start + at_once]
