"""Where days are counted: at one desk those that are due, at leisure, and at another those that somebody waits for.

Who waits does not wait for the first: that rests until no request is left.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from eventmanager.audit.cells import DayCount
from eventmanager.audit.counting import Counting
from eventmanager.audit.pace import LEAST_SHARE, LEAST_SHARE_ON_REQUEST, IngestLoad, Pace
from eventmanager.audit.recount import Caller, TakeCell
from eventmanager.blocks import Day

CountDay: TypeAlias = Callable[[Day, int, TakeCell], Awaitable[DayCount | None]]

_NICENESS: Final = 19
_NICENESS_ON_REQUEST: Final = 10


class Desks:
    """Counts days. Belongs to one event loop."""

    def __init__(self, new_counting: Callable[[int], Counting], load: IngestLoad) -> None:
        """`new_counting` makes what counts, given how nice to be to other processes."""
        self._due = _Desk(new_counting(_NICENESS), Pace(load, LEAST_SHARE))
        self._wanted = _Desk(new_counting(_NICENESS_ON_REQUEST), Pace(load, LEAST_SHARE_ON_REQUEST))
        self._requests = 0
        self._no_request = asyncio.Event()
        self._no_request.set()

    async def count_due(self, day: Day, shard_count: int, take: TakeCell) -> DayCount | None:
        """Do what `recount_day` does for a day that nobody waits for."""
        return await self._due.count(day, shard_count, take, self._no_request.wait)

    async def count_wanted(self, day: Day, shard_count: int, take: TakeCell) -> DayCount | None:
        """Do what `recount_day` does for a day that somebody waits for."""
        self._requests += 1
        self._no_request.clear()
        try:
            return await self._wanted.count(day, shard_count, take, _go_on)
        finally:
            self._requests -= 1
            if not self._requests:
                self._no_request.set()

    async def tidy(self) -> None:
        """Let go of what a desk took at which no day is being counted."""
        for desk in (self._due, self._wanted):
            if not desk.lock.locked():
                await desk.close()

    async def close(self) -> None:
        """Let go of everything, once no day is being counted."""
        for desk in (self._due, self._wanted):
            await desk.close()


class _Desk:
    """Counts one day at a time, at a pace."""

    def __init__(self, counting: Counting, pace: Pace) -> None:
        self.lock = asyncio.Lock()
        self._counting = counting
        self._pace = pace

    async def count(
        self, day: Day, shard_count: int, take: TakeCell, gate: Callable[[], Awaitable[object]]
    ) -> DayCount | None:
        """Do what `recount_day` does, waiting at a gate after each step."""
        async with self.lock:
            return await self._counting.count(day, shard_count, Caller(take, self._pace.leave(gate)))

    async def close(self) -> None:
        async with self.lock:
            await self._counting.close()


async def _go_on() -> None:
    """Wait for nobody."""
