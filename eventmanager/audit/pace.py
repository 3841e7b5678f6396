"""How a recount makes way for ingest: the more of the time some event waits to be stored, the less of it it works.

Under full load some event always waits: then a recount nearly always rests. Where it slows ingest down events wait for
longer, so it works less. While nothing comes in it does not rest at all.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeAlias

Leave: TypeAlias = Callable[[], Awaitable[None]]
"""Is awaited by a recount after each step, and returns when it may go on."""

LEAST_SHARE: Final = 0.02
"""A recount works for a fiftieth of the time at least, or it might never end."""
LEAST_SHARE_ON_REQUEST: Final = 0.5
LONGEST_REST_S: Final = 60.0

_MEMORY_S: Final = 5.0
"""What was so long ago counts for a third."""
_LOOK_S: Final = 0.5


async def do_in_steps(work: Iterator[None], leave: Leave) -> None:
    """Do work that yields after each step, in threads, and ask for leave after each."""
    while not await asyncio.to_thread(next, work, True):  # noqa: FBT003 - at the end; else a step is done.
        await leave()


class IngestLoad:
    """For which share of the last seconds events waited to be stored."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds from any time on."""
        self.clock = clock
        self._share = 0.0
        self._noted_s = clock()

    def note(self, waited_s: float) -> None:
        """Hear that a commit has ended, the first of whose events had waited for so long."""
        since_s = self.clock() - self._noted_s
        self._noted_s += since_s
        busy_s = min(waited_s, since_s)
        # First the time in which nothing waited, then the rest of it.
        self._share *= math.exp((busy_s - since_s) / _MEMORY_S)
        self._share += (1 - self._share) * -math.expm1(-busy_s / _MEMORY_S)

    def share(self) -> float:
        """Return the share, from 0 to 1. What waits now is left out until it is stored."""
        return self._share * math.exp((self._noted_s - self.clock()) / _MEMORY_S)


class Pace:
    """Has recounts of a kind rest."""

    def __init__(
        self, load: IngestLoad, least_share: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._load = load
        self._least_share = least_share
        self._sleep = sleep

    def leave(self, gate: Callable[[], Awaitable[object]]) -> Leave:
        """Return the leave of a recount that begins now: it may go on once it has rested, and then the gate opens."""
        clock = self._load.clock
        begun_s = clock()

        async def rest() -> None:
            nonlocal begun_s
            await self._rest(clock() - begun_s)
            await gate()
            begun_s = clock()

        return rest

    async def _rest(self, worked_s: float) -> None:
        """Rest after so long a step. What ingest needs may change meanwhile."""
        rested_s = 0.0
        while (left_s := min(LONGEST_REST_S, worked_s * (1 / self._share() - 1)) - rested_s) > 0:
            step_s = min(left_s, _LOOK_S)
            await self._sleep(step_s)
            rested_s += step_s

    def _share(self) -> float:
        # Cubed: before events wait to be stored they are read and checked. Where that is what keeps a server fully busy
        # nothing waits for a quarter of the time, and a recount should hardly work.
        return max(self._least_share, (1 - self._load.share()) ** 3)
