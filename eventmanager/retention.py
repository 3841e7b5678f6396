"""Removes days whose time is over, for stores that do not let rows expire by themselves."""

import asyncio
import datetime
import logging
from collections.abc import Callable
from typing import Final

from eventmanager.app_directory import AppDirectory
from eventmanager.blocks import Day
from eventmanager.errors import StoreUnavailableError
from eventmanager.store.protocol import Store

SWEEP_INTERVAL_S: Final = 3_600
_APPS_A_PAGE: Final = 100

_log = logging.getLogger(__name__)


class RetentionSweep:
    """Looks through all apps' days, hour by hour."""

    def __init__(self, store: Store, directory: AppDirectory, now: Callable[[], float]) -> None:
        self._store = store
        self._directory = directory
        self._now = now

    async def run(self) -> None:
        """Sweep now and every hour, until cancelled."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailableError as error:
                _log.warning("Could not remove days past their retention, and will try again: %s", error)
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def sweep(self) -> None:
        """Remove every day that expired. Raises StoreUnavailableError."""
        after = ""
        while page := await self._directory.list_apps(after, _APPS_A_PAGE):
            for message in page:
                await self._sweep_app(message.app)
            after = page[-1].app

    async def _sweep_app(self, app_id: str) -> None:
        app = await self._directory.app(app_id)
        for date in await self._store.dates(app_id, datetime.date.min, datetime.date.max):
            if 0 < app.expire_time_s(date) <= self._now():
                await self._store.drop_day(Day(app_id, date), app.shard_count(date))
                _log.info("Removed %s of app %s, which is past its retention.", date, app_id)
