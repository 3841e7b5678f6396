"""A store whose cluster may be away when the server starts: it is opened as soon as it answers."""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from typing import Final

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.blocks import Block, Day, Partition, StoredBlock
from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.store.protocol import BlockOutcome, FactsOf, Members, Recount, Store

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0

_log = logging.getLogger(__name__)


class LateStore:
    """Opens a store, again and again until that works. Before, everything is unavailable."""

    def __init__(self, open_store: Callable[[], Awaitable[Store]], cause: str) -> None:
        """`cause` says why it could not be opened so far."""
        self._open_store = open_store
        self._cause = cause
        self._store: Store | None = None
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        """Store and count blocks."""
        if self._store is None:
            return [BlockOutcome.UNAVAILABLE] * len(blocks)
        return await self._store.commit(blocks, resent, facts_of)

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """Read a partition's log."""
        async for page in self._opened().log(partition):
            yield page

    async def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        """Read a partition's visitors."""
        async for page in self._opened().members(table, partition):
            yield page

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """Count a partition's visitors."""
        return await self._opened().member_counts(table, partition)

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        """Look for a visitor."""
        return await self._opened().has_visitor(partition, device_id)

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """Read a day's totals."""
        return await self._opened().totals(table, day)

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """List the dates of an app's events."""
        return await self._opened().dates(app, first, last)

    async def nearby_dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """List the dates that are known here."""
        return await self._opened().nearby_dates(app, first, last)

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """Read days' marks."""
        return await self._opened().marks(app, dates)

    async def read_recounts(
        self, app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, Recount]:
        """Read recounts."""
        return await self._opened().read_recounts(app, report, dates)

    async def write_recounts(self, day: Day, recounts: Sequence[Recount], expire_time_s: int) -> None:
        """Keep recounts."""
        await self._opened().write_recounts(day, recounts, expire_time_s)

    async def drop_day(self, day: Day, shard_count: int) -> None:
        """Remove a day."""
        await self._opened().drop_day(day, shard_count)

    async def read_app(self, app: str) -> AppSettings | None:
        """Read an app's settings."""
        return await self._opened().read_app(app)

    async def list_apps(self, after: str, limit: int) -> Sequence[AppSettings]:
        """List apps."""
        return await self._opened().list_apps(after, limit)

    async def create_app(self, settings: AppSettings) -> bool:
        """Keep a new app."""
        return await self._opened().create_app(settings)

    async def replace_app(self, settings: AppSettings, version: int) -> bool:
        """Replace an app's settings."""
        return await self._opened().replace_app(settings, version)

    async def check(self) -> None:
        """Return when the store is open and answers."""
        await self._opened().check()

    async def close(self) -> None:
        """Stop trying, or close what was opened."""
        self._opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._opening
        if self._store is not None:
            await self._store.close()

    def _opened(self) -> Store:
        if self._store is None:
            raise StoreUnavailableError(self._cause)
        return self._store

    async def _open(self) -> None:
        """Try until it works. What an operator has to mend is tried again, too: it may be mended."""
        pause_s = _FIRST_PAUSE_S
        while self._store is None:
            _log.warning("The store is not there yet, and is tried again in %.1f s: %s", pause_s, self._cause)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            try:
                self._store = await self._open_store()
            except (StoreUnavailableError, StartError) as error:
                self._cause = str(error)
        _log.info("The store is there.")
