"""Tries a commit that goes wrong at many points, each in two days of its own: says in what any figure is wrong then."""

import datetime
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_DAY
from live.eventmanager.v1.event_pb2 import Event

from tests.audit.asked_reports import wrong_totals
from tests.audit.crash_points import MORE, Again, Case, Follows, Point, points_of, with_one_way_each
from tests.audit.model import TODAY, YESTERDAY, Model
from tests.audit.shop import Shop

SHARDS: Final = 2
_DAY: Final = datetime.timedelta(days=1)
_FIRST_BACK: Final = 40
"""Before the days that servers look at by themselves when they start."""
_COUNTER: Final = -1
"""The server that counts again; it comes to no harm, unless it is the only one."""
_app_numbers = itertools.count()


@dataclass(slots=True)
class Trial:
    """One case on one app."""

    shop: Shop
    case: Case
    in_all_ways: bool
    """Whether events come again in all ways at each step, and all reports are asked; else it goes by turns."""
    found: list[str] = field(default_factory=list)
    _all: Model = field(init=False)
    _pairs: int = 0

    async def run(self) -> list[str]:
        """Try every step, and return what was wrong."""
        await self.shop.begin(f"shop-{next(_app_numbers)}", SHARDS)
        self._all = Model(self.shop.app)
        answered_after, steps = await self._count_steps()
        points = list(points_of(answered_after, steps))
        if not self.in_all_ways:
            points = list(with_one_way_each(points))
        first = self._pairs
        for pair in range(first, first + len(points)):
            await self._begin(pair)
        await self.shop.restart(0)
        for pair, point in enumerate(points, first):
            found = await self._wrong_after(pair, point)
            self.found += [f"{point}: {text}" for text in found]
        await self._have_all_audited()
        self.found += await self._wrong_when_audited()
        return self.found

    async def _count_steps(self) -> tuple[int, int]:
        """Count the statements until the answer, and in all."""
        await self._begin(0)
        await self.shop.restart(0)
        await self._send_all(0, self.case.before)
        await self.shop.settle(self._days(0))
        self.shop.faults.seen = 0
        await self.shop.send(0, self._of(0, self.case.request), resent=self.case.is_resent)
        answered_after = self.shop.faults.seen
        await self.shop.settle(self._days(0))
        await self._read(0)
        self._keep()
        return answered_after, self.shop.faults.seen

    async def _begin(self, pair: int) -> None:
        """Have something be there in two days."""
        self._pairs = max(self._pairs, pair + 1)
        await self._send_all(pair, self.case.long_before)
        self._keep()

    async def _wrong_after(self, pair: int, point: Point) -> list[str]:
        """Have the commit go wrong, a recount come between, and the events again."""
        shop, (first, _) = self.shop, self._days(pair)
        shop.renew()
        for request in self.case.long_before:
            shop.had(self._of(pair, request))
        await self._send_all(pair, self.case.before)
        await shop.settle(self._days(pair))
        is_gone = point.follows is Follows.IS_GONE
        struck = shop.faults.struck
        shop.faults.plan(point.step, math.inf if is_gone else 1, is_done=point.is_done)
        await shop.send(0, self._of(pair, self.case.request), resent=self.case.is_resent)
        await shop.settle(self._days(pair))
        await self._read(pair)
        found = [] if is_gone or struck < shop.faults.struck else ["no statement failed"]
        if is_gone:
            await shop.crash(0)
        shop.faults.end()

        await shop.audit(_COUNTER, first, first)
        if shop.unanswered and point.again is Again.REBATCHED:
            events, more = self._of(pair, self.case.request), self._of(pair, MORE)
            shop.unanswered.clear()
            await shop.send(0, [*events[::2], *more], resent=False)
            await shop.send(0, [*more, *events[1::2]], resent=False)
        await shop.resend_unanswered(resent=point.again is Again.RESENT)
        found += await self._wrong_at_once(pair)
        self._keep()
        return found

    async def _wrong_at_once(self, pair: int) -> list[str]:
        """Say in what figures are wrong that must be right before a recount, or are said to be audited."""
        shop, (first, last) = self.shop, self._days(pair)
        found = await shop.wrong_sets(0, first, last)
        if shop.totals.are_due:
            return found + await wrong_totals(shop.channel(0), shop.model, first, last)
        if any((await shop.audited(0, first, first)).values()):
            found += await shop.wrong_sets(0, first, first)
            found += await wrong_totals(shop.channel(0), shop.model, first, first)
        return found

    async def _have_all_audited(self) -> None:
        """Have all days counted again."""
        days = await self.shop.audit(_COUNTER, self._days(self._pairs - 1)[0], self._days(0)[1])
        wanted = [
            (date.isoformat(), self._all.events_of(date), True)
            for pair in reversed(range(self._pairs))
            for date in self._days(pair)
        ]
        told = [(day.date, day.events, day.audited) for day in days]
        if wanted != told:
            self.found.append(f"{wanted} wanted, {told} told")

    async def _wrong_when_audited(self) -> list[str]:
        """Say in what any report of audited days is wrong, or not audited."""
        shop, span = self.shop, (self._days(self._pairs - 1)[0], self._days(0)[1])
        shop.model = self._all
        found = [
            f"{report} is not audited" for report, is_so in (await shop.audited(_COUNTER, *span)).items() if not is_so
        ]
        found += await shop.wrong_reports(_COUNTER, *span, intervals=[INTERVAL_DAY])
        for pair in range(self._pairs):
            shop.model = self._all.of(self._days(pair))
            found += await shop.wrong_sets(_COUNTER, *self._days(pair))
        return found

    async def _read(self, pair: int) -> None:
        """Have a writer do what it does when somebody reads."""
        if self.case.is_read and self.shop.is_on_file:
            await self.shop.look(0, *self._days(pair), at_all=self.in_all_ways)

    async def _send_all(self, pair: int, requests: Sequence[Sequence[Event]]) -> None:
        for request in requests:
            await self.shop.send(0, self._of(pair, request), resent=False)

    def _keep(self) -> None:
        """Keep what was acknowledged, and begin a new model."""
        for copies in self.shop.model.copies.values():
            self._all.acknowledge(list(copies.values()))
        self.shop.renew()

    def _days(self, pair: int) -> tuple[datetime.date, datetime.date]:
        back = (_FIRST_BACK + 2 * pair) * _DAY
        return YESTERDAY - back, TODAY - back

    def _of(self, pair: int, events: Sequence[Event]) -> list[Event]:
        """Return events as they happen in two days."""
        moved = []
        for event in events:
            copy = Event()
            copy.CopyFrom(event)
            copy.timestamp.seconds -= (_FIRST_BACK + 2 * pair) * int(_DAY.total_seconds())
            moved.append(copy)
        return moved
