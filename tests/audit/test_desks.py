"""Days that somebody waits for go before those that are due."""

import asyncio
import datetime

from eventmanager.audit.cells import DayCount
from eventmanager.audit.desks import Desks
from eventmanager.audit.pace import IngestLoad
from eventmanager.audit.recount import Caller
from eventmanager.blocks import Day
from eventmanager.store.protocol import Recount

DUE, WANTED = (Day("shop", datetime.date(2026, 6, day)) for day in (16, 17))
STEPS = 6


class SlowCounting:
    """Counts in steps, and notes them."""

    def __init__(self, steps: list[Day]) -> None:
        self._steps = steps

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        for _ in range(STEPS):
            self._steps.append(day)
            await asyncio.sleep(0)
            await caller.leave()
        return DayCount(shard_count, 0, is_whole=True)

    async def close(self) -> None:
        pass


async def take(_: Recount) -> None:
    """Keep no cell."""


async def test_a_request_does_not_wait_for_what_is_due() -> None:
    """That stops after the step that it is at, and goes on when no request is left."""
    steps: list[Day] = []
    desks = Desks(lambda _: SlowCounting(steps), IngestLoad())
    due = asyncio.create_task(desks.count_due(DUE, 1, take))
    while not steps:  # noqa: ASYNC110 - nothing tells.
        await asyncio.sleep(0)
    wanted = [asyncio.create_task(desks.count_wanted(WANTED, 2, take)) for _ in range(2)]
    counts = [*await asyncio.gather(*wanted), await due]

    assert [DayCount(2, 0, is_whole=True)] * 2 + [DayCount(1, 0, is_whole=True)] == counts
    until_answered = steps[: len(steps) - steps[::-1].index(WANTED)]
    assert until_answered.count(DUE) <= 2
    assert STEPS == steps.count(DUE)


async def test_only_a_desk_at_which_nobody_works_is_tidied() -> None:
    """The other goes on."""
    closed: list[int] = []

    class WatchedCounting(SlowCounting):
        def __init__(self, niceness: int) -> None:
            super().__init__([])
            self._niceness = niceness

        async def close(self) -> None:
            closed.append(self._niceness)

    desks = Desks(WatchedCounting, IngestLoad())
    due = asyncio.create_task(desks.count_due(DUE, 1, take))
    await asyncio.sleep(0)
    await desks.tidy()
    assert [10] == closed
    assert await due
    await desks.tidy()

    assert [10, 19, 10] == closed
