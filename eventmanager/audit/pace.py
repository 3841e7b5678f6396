"""How a recount makes way for ingest: it works for a share of the time, as large as ingest does not mind.

What ingest loses is measured: how long events wait for their commit while a recount works, beside how long they wait
while it rests. Where they wait a fifth longer, a recount that works for a quarter of the time costs ingest a twentieth.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

Leave: TypeAlias = Callable[[], Awaitable[None]]
"""Is awaited by a recount before each step, and returns when it may go on."""

MOST_LOSS: Final = 0.05
"""How much longer events may wait on average because of a recount."""
LEAST_SHARE: Final = 0.01
"""A recount works for a hundredth of the time at least, or it might never end."""
LEAST_SHARE_ON_REQUEST: Final = 0.5
MOST_SHARE: Final = 0.8
"""While events come in it always rests for a fifth of the time, or there would be nothing to compare with."""
FIRST_SHARE: Final = 0.05
"""While there is nothing to compare yet."""
LONGEST_REST_S: Final = 60.0
IDLE_S: Final = 2.0
"""Without a commit for so long ingest is idle, and a recount need not rest."""

_LOOK_S: Final = 0.5
_FEWEST_COMMITS: Final = 5
_COMMITS: Final = 50
"""About so many of the last commits count."""


async def do_in_steps(work: Iterator[None], leave: Leave) -> None:
    """Do work that yields after each step, in threads, and ask for leave after each."""
    while not await asyncio.to_thread(next, work, True):  # noqa: FBT003 - at the end; else a step is done.
        await leave()


class _Waits:
    """The geometric mean of how long events waited in the last commits: one that was slow by chance says little."""

    def __init__(self) -> None:
        self.commits = 0
        self.log_s = 0.0

    def add(self, waited_s: float) -> None:
        self.commits += 1
        self.log_s += (math.log(max(waited_s, 1e-6)) - self.log_s) / min(self.commits, _COMMITS)


class IngestWaits:
    """How long events wait for their commits. Belongs to one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds from any time on."""
        self.clock = clock
        self.at_work = 0
        """How many recounts work now."""
        self._beside_work = _Waits()
        self._beside_rest = _Waits()
        self._last_s = -math.inf

    def note(self, waited_s: float) -> None:
        """Hear of a commit, and how long the first of its events waited for its end."""
        self._last_s = self.clock()
        (self._beside_work if self.at_work else self._beside_rest).add(waited_s)

    @property
    def is_idle(self) -> bool:
        """Whether no events come in."""
        return self.clock() - self._last_s >= IDLE_S

    def slowdown(self) -> float | None:
        """Return by which part events wait longer beside a recount, zero or more; None while that is not known."""
        work, rest = self._beside_work, self._beside_rest
        if min(work.commits, rest.commits) < _FEWEST_COMMITS:
            return None
        return max(0.0, math.expm1(work.log_s - rest.log_s))


class Pace:
    """Has recounts of a kind rest as ingest needs it."""

    def __init__(
        self, waits: IngestWaits, least_share: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._waits = waits
        self._least_share = least_share
        self._sleep = sleep

    def share(self) -> float:
        """Return for which share of the time a recount may work now."""
        if self._waits.is_idle:
            return 1.0
        slowdown = self._waits.slowdown()
        share = FIRST_SHARE if slowdown is None else MOST_LOSS / max(slowdown, MOST_LOSS)
        return min(MOST_SHARE, max(self._least_share, share))

    @asynccontextmanager
    async def recount(self, gate: Callable[[], Awaitable[object]]) -> AsyncIterator[Leave]:
        """Count a recount as at work for as long as this lasts, but for when it awaits leave, which a gate may keep."""
        waits = self._waits
        waits.at_work += 1
        begun_s = waits.clock()

        async def leave() -> None:
            nonlocal begun_s
            worked_s = waits.clock() - begun_s
            waits.at_work -= 1
            try:
                await self._rest(worked_s)
                await gate()
            finally:
                waits.at_work += 1
                begun_s = waits.clock()

        try:
            yield leave
        finally:
            waits.at_work -= 1

    async def _rest(self, worked_s: float) -> None:
        """Rest after so long a step. What ingest needs may change meanwhile."""
        rested_s = 0.0
        while (left_s := min(LONGEST_REST_S, worked_s * (1 / self.share() - 1)) - rested_s) > 0:
            step_s = min(left_s, _LOOK_S)
            await self._sleep(step_s)
            rested_s += step_s
