"""Servers that are sent, sent again, disturbed and audited, beside a model that is a dict of events."""

import asyncio
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import grpc
from live.eventmanager.v1.admin_service_pb2 import App, AuditDaysRequest, AuditDaysResponse, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_DAY, INTERVAL_UNSPECIFIED, DateRange, Interval
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.config import Config
from eventmanager.server import Server, start
from tests.audit.asked_reports import ask_all, ask_two, wrong_sets
from tests.audit.exact_totals import ExactTotals
from tests.audit.machine_faults import Faults
from tests.audit.model import NOON_S, Model, identity_of
from tests.every_report import Dashboard
from tests.recount.acknowledged import Acknowledged, SentEvent

INTERVALS: Final[Sequence[Interval.ValueType]] = (INTERVAL_UNSPECIFIED, INTERVAL_DAY)
_OF_GRAPH: Final = ("stage graph", "omitted edges")
_TRIES: Final = 20
_GONE: Final = -1
_LONGEST_S: Final = 10


class Unanswered(NamedTuple):
    """A request that failed: its events may be in the log or not."""

    server: int
    events: Sequence[Event]


class Shop:
    """One app on a store, and some servers."""

    def __init__(self, store: str, faults: Faults, servers: int = 1) -> None:
        self.store = store
        self.faults = faults
        self.is_on_file = store.startswith("sqlite:")
        """Whether each commit is done wholly or not at all, and each block looked up before."""
        self.waits: Callable[[str, Sequence[datetime.date]], bool] = lambda _app, _dates: False
        """Tells whether something of an app's days waits to be put into a table when the server comes to it."""
        self._servers: list[Server | None] = [None] * servers
        self._channels: list[grpc.aio.Channel] = []

    async def open(self) -> None:
        """Start all servers."""
        for number in range(len(self._servers)):
            await self._start(number)

    async def begin(self, app_id: str, shard_count: int = 4) -> None:
        """Make a new app, to which everything is sent from now on."""
        self.app = App(app=app_id, time_zone="UTC", shard_count=shard_count)
        self.renew()
        await AdminServiceStub(self.channel(0)).CreateApp(CreateAppRequest(app=self.app))

    def renew(self) -> None:
        """Begin to look only at what comes from now on; it must lie in days of its own."""
        self.model = Model(self.app)
        self.totals = ExactTotals()
        self.sent: list[Sequence[Event]] = []
        """Requests that were answered."""
        self._asked: list[Sequence[Event]] = []
        self.unanswered: list[Unanswered] = []
        self._arrived = Acknowledged({self.app.app: self.app})
        self._is_order_known = True
        """Whether one server has counted everything, in the order of `_arrived`."""

    def had(self, events: Sequence[Event]) -> None:
        """Hear of a request that a server has answered which is there no more."""
        self.totals.hear(_GONE, events, is_looked_up=False)
        self.model.acknowledge(events)
        self.sent.append(events)
        self._asked.append(events)
        self._is_order_known = False

    async def close(self) -> None:
        """Stop all servers."""
        self.faults.end()
        for number in range(len(self._servers)):
            await self._stop(number, 1)

    async def restart(self, number: int) -> None:
        """Stop a server as it should be, and start another, which remembers nothing."""
        number %= len(self._servers)
        self._forget(number)
        await self._stop(number, 1)
        await self._start(number)

    async def crash(self, number: int) -> None:
        """End a server so that nothing it does from now on reaches the store; start another."""
        number %= len(self._servers)
        self._forget(number)
        self.faults.cut()
        await self._stop(number, 0)
        self.faults.end()
        await self._start(number)

    async def settle(self, dates: Sequence[datetime.date]) -> None:
        """Return once nothing of some days waits, or nothing is done any more."""
        async with asyncio.timeout(_LONGEST_S):
            while self.waits(self.app.app, dates) and not self.faults.is_cut:  # noqa: ASYNC110 - nothing tells.
                await asyncio.sleep(0.01)

    async def send(self, number: int, events: Sequence[Event], *, resent: bool) -> None:
        """Send a request; where it fails it is unanswered."""
        number %= len(self._servers)
        self.totals.hear(number, events, is_looked_up=self._is_looked_up(events, resent=resent))
        self._asked.append(events)
        self._is_order_known &= number == 0
        request = IngestEventsRequest(app=self.app.app, events=events, resent=resent)
        try:
            outcome = (await IngestServiceStub(self.channel(number)).IngestEvents(request)).outcome
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            self._is_order_known = False
            self.unanswered.append(Unanswered(number, events))
            if self.is_on_file and self.faults.is_done:
                # It undid what is committed. No disk makes it do so without a crash.
                self.totals.undo(number, events)
            return
        assert len(events) == outcome.stored_count + len(outcome.duplicate_indexes), outcome
        self.totals.remember(number, events)
        self.sent.append(events)
        self.model.acknowledge(events)
        self._arrived.take(self.app.app, [SentEvent(event) for event in events])

    async def resend_unanswered(self, *, resent: bool = True) -> None:
        """Send what failed to where it was sent, until it is answered, with the flag or without, then by turns."""
        self.faults.end()
        for _ in range(_TRIES):
            waiting, self.unanswered = self.unanswered, []
            for server, events in waiting:
                await self.send(server, events, resent=resent)
            if not self.unanswered:
                return
            resent = not resent
        raise AssertionError("a store without faults stores nothing")

    async def audit(self, number: int, first: datetime.date, last: datetime.date) -> list[AuditDaysResponse]:
        """Have days counted again."""
        dates = DateRange(start_date=first.isoformat(), end_date=last.isoformat())
        request = AuditDaysRequest(app=self.app.app, date_range=dates)
        return [response async for response in AdminServiceStub(self.channel(number)).AuditDays(request)]

    async def audit_while_sending(
        self, number: int, requests: Sequence[Sequence[Event]], first: datetime.date, last: datetime.date
    ) -> None:
        """Have days counted again while requests come in at every server."""

        async def send_all() -> None:
            for server, events in enumerate(requests):
                await self.send(server, events, resent=False)

        await asyncio.gather(self.audit(number, first, last), send_all())

    async def audited(self, number: int, first: datetime.date, last: datetime.date) -> Mapping[str, bool]:
        """Ask reports of every kind whether they are audited."""
        answers = await ask_all(self.channel(number), self.app.app, first, last)
        return {report: answer.info.audited for report, answer in answers.items()}

    async def look(self, number: int, first: datetime.date, last: datetime.date, *, at_all: bool) -> None:
        """Ask reports of every kind, or two of them, which may fail while the store does."""
        ask = ask_all if at_all else ask_two
        try:
            await ask(self.channel(number), self.app.app, first, last)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise

    async def wrong_reports(
        self,
        number: int,
        first: datetime.date,
        last: datetime.date,
        intervals: Sequence[Interval.ValueType] = INTERVALS,
    ) -> list[str]:
        """Say in what any report differs from the model."""
        dashboard = Dashboard(self.channel(number), self.model.counted(), self.app, first, last)
        return await dashboard.differences(intervals)

    async def wrong_live_reports(self, number: int, first: datetime.date, last: datetime.date) -> list[str]:
        """Say in what any report of days that are not audited differs from what must be there at once.

        Moves are told exactly where each names the stage left, and where one server has counted all that came, one
        after the other.
        """
        expected = self._arrived if self._is_order_known else self.model.counted()
        found = await Dashboard(self.channel(number), expected, self.app, first, last).differences([INTERVAL_DAY])
        if self._is_order_known or self.model.tells_stages_left:
            return found
        return [text for text in found if not text.startswith(_OF_GRAPH)]

    async def wrong_sets(self, number: int, first: datetime.date, last: datetime.date) -> list[str]:
        """Say in what the distinct visitors of stages, platforms and moves differ from the model.

        Moves are compared where each names the stage left.
        """
        return await wrong_sets(self.channel(number), self.model, first, last)

    def _is_looked_up(self, events: Sequence[Event], *, resent: bool) -> bool:
        """Tell whether a request that comes is surely found in the log, or none of its events is there."""
        if events in self.sent:
            return resent or self.is_on_file
        known = {identity_of(event) for asked in self._asked if asked != events for event in asked}
        return self.is_on_file and events in self._asked and known.isdisjoint(map(identity_of, events))

    def _forget(self, number: int) -> None:
        self.totals.forget(number)
        if not self.is_on_file and any(server == number for server, _ in self.unanswered):
            self.totals.are_due = False
        self._is_order_known = False

    async def _start(self, number: int) -> None:
        config = Config(listen="127.0.0.1:0", store=self.store)
        self._servers[number] = server = await start(config, lambda: float(NOON_S))
        channel = grpc.aio.insecure_channel(server.address)
        if number < len(self._channels):
            self._channels[number] = channel
        else:
            self._channels.append(channel)

    async def _stop(self, number: int, grace_s: float) -> None:
        await self._channels[number].close()
        server = self._servers[number]
        if server is not None:
            self._servers[number] = None
            await server.stop(grace_s)
        await asyncio.sleep(0)

    def channel(self, number: int) -> grpc.aio.Channel:
        """Return the way to a server."""
        return self._channels[number % len(self._channels)]
