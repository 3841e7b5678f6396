"""Reads the log at leisure, so that ingest beside it goes on as if nothing was."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from eventmanager.blocks import Partition, StoredBlock
from eventmanager.store.protocol import LoggedDays

_LONGEST_PAUSE_S = 5.0


class PacedDays:
    """LoggedDays that rest after every page for as long as the page before took, times a factor."""

    def __init__(self, days: LoggedDays, rest: float) -> None:
        self._days = days
        self._rest = rest

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """As in LoggedDays."""
        return await self._days.marks(app, dates)

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """As in LoggedDays."""
        begun_s = time.monotonic()
        async for page in self._days.log(partition):
            yield page
            await asyncio.sleep(min(self._rest * (time.monotonic() - begun_s), _LONGEST_PAUSE_S))
            begun_s = time.monotonic()

    async def close(self) -> None:
        """As in LoggedDays."""
        await self._days.close()
