"""The auditor of a server: counts closed days again by itself, and any day on request."""

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from eventmanager.app_directory import AppDirectory
from eventmanager.apps import App
from eventmanager.audit.cells import DAY
from eventmanager.audit.desks import CountDay, Desks
from eventmanager.audit.differences import differing_figures
from eventmanager.audit.due_days import DueDays
from eventmanager.blocks import Day
from eventmanager.errors import StoreUnavailableError, UnknownAppError
from eventmanager.store.protocol import Recount, Store

TURN_S: Final = 10.0
"""How often it looks whether some day is due, in memory."""
LOOK_BACK: Final = datetime.timedelta(days=35)
"""How old days may be that are looked at when a server starts: what one that crashed left to do."""
_LOOK_BACK_LATER: Final = datetime.timedelta(days=2)
_LOOK_INTERVAL_S: Final = 3_600
_APPS_A_PAGE: Final = 100
_TRIES_ON_REQUEST: Final = 3

_log = logging.getLogger(__name__)


class DayAudit(NamedTuple):
    """What the recount of a day found; `audited` says that reports give it."""

    events: int
    duplicate_events: int
    differing_figures: int
    audited: bool


NO_EVENTS: Final = DayAudit(0, 0, 0, audited=True)
"""What is known of a day without events."""


@dataclass(slots=True)
class AuditCounters:
    """What was done since the server started, for whoever watches it."""

    days_recounted: int = 0
    differing_figures: int = 0
    copies_found: int = 0
    seconds: float = 0.0


class Auditor:
    """Has days counted again and keeps the cells. Belongs to one event loop."""

    def __init__(self, store: Store, directory: AppDirectory, desks: Desks, now: Callable[[], float]) -> None:
        self._store = store
        self._directory = directory
        self._desks = desks
        self._now = now
        self._due = DueDays(now)
        self._look_s = 0.0
        self._look_back = LOOK_BACK
        self.counters = AuditCounters()

    def note(self, day: Day) -> None:
        """Hear that a block of a day was acknowledged."""
        self._due.note(day)

    def oldest_unaudited_age_s(self) -> float:
        """Tell how long the oldest closed day that is not yet audited has been closed; zero where there is none."""
        end_s = self._due.oldest_end_s()
        return 0.0 if end_s is None else self._now() - end_s

    async def audit(self, app: App, date: datetime.date) -> DayAudit:
        """Count a day again now, and once more where events came in meanwhile. Raises StoreUnavailableError.

        A day past its retention, whose log has begun to go or soon will, is not counted again.
        """
        audit = DayAudit(0, 0, 0, audited=False)
        began_s = self._now()
        for _ in range(_TRIES_ON_REQUEST):
            audit = await self._audit(app, date, self._desks.count_wanted)
            if audit.audited or self.is_past(app, date):
                break
        if audit.audited:
            self._due.settle(Day(app.app, date), began_s)
        return audit

    async def run(self) -> None:
        """Count again what is due, until cancelled."""
        async with asyncio.TaskGroup() as chores:
            chores.create_task(self._repeat(self._count_due))
            chores.create_task(self._repeat(self._desks.tidy))

    async def close(self) -> None:
        """Let go of everything. Nothing is lost: cells that were written hold."""
        await self._desks.close()

    async def _repeat(self, turn: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await turn()
            except StoreUnavailableError as error:
                _log.warning("Days cannot be counted again now, and will be tried later: %s.", error.cause)
            except Exception:  # noqa: BLE001 - whatever it is, ingest and reports go on without.
                _log.exception("Days cannot be counted again now, and will be tried later.")
            await asyncio.sleep(TURN_S)

    async def _count_due(self) -> None:
        if time.monotonic() >= self._look_s:
            await self.look_for_days(self._look_back)
            self._look_back = _LOOK_BACK_LATER
            self._look_s = time.monotonic() + _LOOK_INTERVAL_S
        while await self.audit_next():
            pass

    async def look_for_days(self, look_back: datetime.timedelta) -> None:
        """Note recent days of all apps whose cells do not hold. Raises StoreUnavailableError."""
        after = ""
        while page := await self._directory.list_apps(after, _APPS_A_PAGE):
            for message in page:
                app = await self._directory.app(message.app)
                today = self._directory.today(app)
                dates = await self._store.dates(app.app, today - look_back, today)
                cells = await self._store.read_recounts(app.app, DAY, dates)
                marks = await self._store.marks(app.app, dates)
                for date in dates:
                    if date not in cells or cells[date].marks != marks.get(date):
                        self._due.note(Day(app.app, date))
            after = page[-1].app

    async def audit_next(self) -> bool:
        """Count the oldest day again that is due, and return whether there was one. Raises StoreUnavailableError."""
        for unplaced in self._due.unplaced():
            await self._place(unplaced)
        day = self._due.next()
        if day is None:
            return False
        began_s = self._now()
        try:
            app = await self._directory.app(day.app)
            audit = None if await self._holds(day) else await self._audit(app, day.date, self._desks.count_due)
        except BaseException:
            self._due.postpone(day)
            raise
        self._due.settle(day, began_s)
        if audit is not None and audit.differing_figures:
            _log.info(
                "%d live figures of %s, app %s, were not as its log has them. Reports give the recount.",
                audit.differing_figures,
                day.date,
                day.app,
            )
        return True

    async def _audit(self, app: App, date: datetime.date, count_at: CountDay) -> DayAudit:
        day = Day(app.app, date)
        if self.is_past(app, date):
            return DayAudit(0, 0, 0, audited=False)
        begun_s = time.monotonic()
        differing = 0
        marks = b""
        kept: list[str] = []

        async def keep(cell: Recount) -> None:
            nonlocal differing, marks
            marks = cell.marks
            # Asked before it is kept: a recount that went on until rows expired must not be believed.
            if not self.is_past(app, date):
                await self._store.write_recounts(day, [cell], app.expire_time_s(date))
                kept.append(cell.report)
                differing += await differing_figures(self._store, day, cell)

        count = await count_at(day, app.shard_count(date), keep)
        self.counters.seconds += time.monotonic() - begun_s
        if count is None:
            return NO_EVENTS
        holds = (await self._store.marks(app.app, [date])).get(date) == marks and DAY in kept
        if not holds:
            differing = 0  # Live totals may have what came in meanwhile.
        self.counters.days_recounted += 1
        self.counters.differing_figures += differing
        self.counters.copies_found += count.duplicate_events
        return DayAudit(count.events, count.duplicate_events, differing, holds and count.is_whole)

    async def _holds(self, day: Day) -> bool:
        cell = (await self._store.read_recounts(day.app, DAY, [day.date])).get(day.date)
        marks = await self._store.marks(day.app, [day.date])
        return day.date not in marks or (cell is not None and cell.marks == marks[day.date])

    def is_past(self, app: App, date: datetime.date) -> bool:
        """Tell whether a day is past its retention, so that it is neither reported nor counted again."""
        end = app.reports_end(date)
        return end is not None and self._directory.today(app) >= end

    async def _place(self, day: Day) -> None:
        try:
            app = await self._directory.app(day.app)
        except UnknownAppError:
            self._due.forget(day)
        else:
            self._due.place(day, app.zone.end_instant(day.date))
