"""Servers that are sent, sent again, disturbed and audited, beside a model that is a dict of events."""

import asyncio
import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App, AuditDaysRequest, AuditDaysResponse, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_UNSPECIFIED,
    PLATFORM_DIMENSION_OS,
    DateRange,
    Interval,
    QueryConversionRequest,
    QueryPageViewsRequest,
    QueryPlatformsRequest,
    QueryStageGraphRequest,
    QueryTrafficRequest,
    ReportInfo,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import (
    FUNNEL_ACTION_ON_CLICK,
    BtnAction,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    Platform,
    UrlChange,
)
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.config import Config
from eventmanager.server import Server, start
from tests.audit.machine_faults import Faults
from tests.every_report import Dashboard
from tests.recount.acknowledged import Acknowledged, SentEvent
from tests.recount.comparison import differences
from tests.recount.question import Question
from tests.recount.stage_reports import conversion

TODAY: Final = datetime.date(2026, 6, 17)
YESTERDAY: Final = datetime.date(2026, 6, 16)
NOON_S: Final = 1_781_697_600
_DAY_S: Final = 86_400
INTERVALS: Final[Sequence[Interval.ValueType]] = (INTERVAL_UNSPECIFIED, INTERVAL_DAY)

Identity: TypeAlias = tuple[datetime.date, str, str]


class Told(NamedTuple):
    """An event in few numbers, as they are drawn: the same identity may be told in several ways."""

    visitor: int
    number: int
    is_today: bool
    minute: int
    kind: int
    stage: int
    left: int

    def event(self) -> Event:
        """Return the event."""
        seconds = NOON_S - 3_600 + self.minute * 60 - (0 if self.is_today else _DAY_S)
        event = Event(
            timestamp=Timestamp(seconds=seconds),
            device_id=f"visitor {self.visitor}",
            event_id=f"event {self.number}",
            platform=Platform(browser=("Firefox", "Chrome", "")[self.stage % 3], os="Linux", device="desktop"),
        )
        elapsed = Duration(seconds=self.minute, nanos=self.stage * 1_000_000) if self.minute % 3 else None
        if self.kind == 0:
            event.click.CopyFrom(Click(target=f"t{self.stage}", current_url="/home", elapsed_time=elapsed))
        elif self.kind == 1:
            event.url_change.CopyFrom(
                UrlChange(from_url="/a" if self.left >= 0 else "", to_url=f"/{self.stage}", elapsed_time=elapsed)
            )
        elif self.kind == 2:
            event.btn_time.CopyFrom(
                BtnTime(
                    target="buy",
                    action=BtnAction.values()[1 + self.stage % 2],
                    elapsed_time=elapsed or Duration(seconds=1),
                )
            )
        else:
            left = self.left if self.left >= 0 else None
            event.funnel_change.CopyFrom(
                FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=self.stage, left=left, elapsed_time=elapsed)
            )
        return event


def identity_of(event: Event) -> Identity:
    """Return what tells an event from others."""
    date = datetime.datetime.fromtimestamp(event.timestamp.seconds, datetime.UTC).date()
    return date, event.device_id, event.event_id


@dataclass(slots=True)
class Model:
    """The events acknowledged: by identity all copies, of which the first by bytes counts."""

    app: App
    copies: dict[Identity, dict[bytes, Event]] = field(default_factory=dict)

    def acknowledge(self, events: Sequence[Event]) -> None:
        """Count what a server has answered for."""
        for event in events:
            encoded = event.SerializeToString(deterministic=True)
            self.copies.setdefault(identity_of(event), {})[encoded] = event

    def counted(self) -> Acknowledged:
        """Return the events that count, in the order in which they happened."""
        winners = [copies[min(copies)] for copies in self.copies.values()]
        winners.sort(key=lambda event: (event.timestamp.ToNanoseconds(), event.event_id))
        acknowledged = Acknowledged({self.app.app: self.app})
        acknowledged.take(self.app.app, [SentEvent(event) for event in winners])
        return acknowledged

    def events_of(self, date: datetime.date) -> int:
        """Count the distinct events of a day."""
        return sum(1 for identity in self.copies if identity[0] == date)

    @property
    def have_equal_copies(self) -> bool:
        """Whether no two copies of an event differ."""
        return all(len(copies) == 1 for copies in self.copies.values())


class Shop:
    """One app on a store, and some servers."""

    def __init__(self, store: str, app_id: str, faults: Faults, servers: int) -> None:
        self.app = App(app=app_id, time_zone="UTC", shard_count=4)
        self.model = Model(self.app)
        self.unanswered: list[Sequence[Event]] = []
        """Requests that failed: their events may be in the log or not."""
        self.is_undisturbed = True
        """No crash, no second server, no forgotten copy and no tampering so far."""
        self.sent: list[Sequence[Event]] = []
        self._store = store
        self._faults = faults
        self._servers: list[Server | None] = [None] * servers
        self._channels: list[grpc.aio.Channel] = []

    async def open(self) -> None:
        """Start all servers and make the app."""
        for number in range(len(self._servers)):
            await self._start(number)
        await AdminServiceStub(self._channel(0)).CreateApp(CreateAppRequest(app=self.app))

    async def close(self) -> None:
        """Stop all servers."""
        self._faults.end()
        for number in range(len(self._servers)):
            await self._stop(number)

    async def restart(self, number: int) -> None:
        """Stop a server and start another, which remembers nothing."""
        self.is_undisturbed = False
        number %= len(self._servers)
        await self._stop(number)
        await self._start(number)

    async def send(self, number: int, events: Sequence[Event], *, resent: bool) -> None:
        """Send a request; where it fails it is unanswered."""
        if len(self._servers) > 1:
            self.is_undisturbed = False
        request = IngestEventsRequest(app=self.app.app, events=events, resent=resent)
        try:
            outcome = (await IngestServiceStub(self._channel(number)).IngestEvents(request)).outcome
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            self.is_undisturbed = False
            self.unanswered.append(events)
            return
        assert len(events) == outcome.stored_count + len(outcome.duplicate_indexes), outcome
        self.sent.append(events)
        self.model.acknowledge(events)

    async def resend_unanswered(self) -> None:
        """Send what failed until it is answered."""
        self._faults.end()
        for number in range(20):
            waiting, self.unanswered = self.unanswered, []
            for events in waiting:
                await self.send(number, events, resent=number % 2 == 0)
            if not self.unanswered:
                return
        raise AssertionError("a store without faults stores nothing")

    def tamper(self, statement: str) -> None:
        """Change the totals behind the server's back."""
        self.is_undisturbed = False
        with closing(sqlite3.connect(self._store.removeprefix("sqlite:"), timeout=5)) as connection, connection:
            connection.execute(statement)

    async def audit(self, number: int, first: datetime.date, last: datetime.date) -> list[AuditDaysResponse]:
        """Have days counted again."""
        dates = DateRange(start_date=first.isoformat(), end_date=last.isoformat())
        request = AuditDaysRequest(app=self.app.app, date_range=dates)
        return [response async for response in AdminServiceStub(self._channel(number)).AuditDays(request)]

    async def audit_while_sending(
        self, number: int, requests: Sequence[Sequence[Event]], first: datetime.date, last: datetime.date
    ) -> None:
        """Have days counted again while requests come in at every server."""

        async def send_all() -> None:
            for server, events in enumerate(requests):
                await self.send(server, events, resent=False)

        await asyncio.gather(self.audit(number, first, last), send_all())

    async def infos(self, number: int, first: datetime.date, last: datetime.date) -> Mapping[str, ReportInfo]:
        """Ask reports of every kind how far they can be relied on."""
        analytics = AnalyticsServiceStub(self._channel(number))
        asked: dict[str, Any] = {
            "app": self.app.app,
            "date_range": DateRange(start_date=first.isoformat(), end_date=last.isoformat()),
        }
        return {
            "conversion": (await analytics.QueryConversion(QueryConversionRequest(**asked))).info,
            "platforms": (
                await analytics.QueryPlatforms(QueryPlatformsRequest(**asked, dimension=PLATFORM_DIMENSION_OS))
            ).info,
            "graph": (await analytics.QueryStageGraph(QueryStageGraphRequest(**asked))).info,
            "pages": (await analytics.QueryPageViews(QueryPageViewsRequest(**asked))).info,
            "traffic": (await analytics.QueryTraffic(QueryTrafficRequest(**asked))).info,
        }

    async def wrong_reports(self, number: int, first: datetime.date, last: datetime.date) -> list[str]:
        """Say in what any report differs from the model."""
        dashboard = Dashboard(self._channel(number), self.model.counted(), self.app, first, last)
        return await dashboard.differences(INTERVALS)

    async def wrong_sets(self, number: int, first: datetime.date, last: datetime.date) -> list[str]:
        """Say in what the distinct visitors of stages and in all differ from the model."""
        request = QueryConversionRequest(
            app=self.app.app, date_range=DateRange(start_date=first.isoformat(), end_date=last.isoformat())
        )
        answer = await AnalyticsServiceStub(self._channel(number)).QueryConversion(request)
        question = Question(self.model.counted(), self.app, first, last, INTERVAL_UNSPECIFIED)
        return differences(conversion(question), answer.rows)

    async def _start(self, number: int) -> None:
        config = Config(listen="127.0.0.1:0", store=self._store)
        self._servers[number] = server = await start(config, lambda: float(NOON_S))
        channel = grpc.aio.insecure_channel(server.address)
        if number < len(self._channels):
            self._channels[number] = channel
        else:
            self._channels.append(channel)

    async def _stop(self, number: int) -> None:
        await self._channels[number].close()
        server = self._servers[number]
        if server is not None:
            self._servers[number] = None
            await server.stop(1)
        await asyncio.sleep(0)

    def _channel(self, number: int) -> grpc.aio.Channel:
        return self._channels[number % len(self._channels)]
