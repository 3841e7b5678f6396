"""A server is killed in the middle of a load, again and again: nothing acknowledged is lost, nothing counts by half."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_UNSPECIFIED,
    QueryClickTargetsRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestOutcome, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.every_report import Dashboard
from tests.recount.acknowledged import Acknowledged, SentEvent
from tests.recount.days import DAY, date_of
from tests.server_process import start_process
from tests.traffic import Season, draw_events

CRASHES: Final = 20
EVENTS_A_REQUEST: Final = 20
UNANSWERED_MESSAGES: Final = 8
MARK_PAGE: Final = "/requests"


@dataclass(slots=True)
class Load:
    """Requests to one app, sent over several calls and streams until the server is gone."""

    app: App
    templates: Sequence[Event]
    sent: list[Sequence[Event]] = field(default_factory=list)
    answered: dict[int, IngestOutcome] = field(default_factory=dict)
    enough_answers: int = 0
    is_under_way: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, address: str) -> None:
        """Send on and on; return when every call has failed."""
        async with grpc.aio.insecure_channel(address) as channel:
            ingest = IngestServiceStub(channel)
            lanes = (self._call(ingest), self._call(ingest), self._stream(ingest), self._stream(ingest))
            await asyncio.gather(*lanes)

    @property
    def unanswered(self) -> list[int]:
        """The requests of which the sender knows nothing."""
        return [number for number in range(len(self.sent)) if number not in self.answered]

    def _draw(self) -> int:
        """Make the next request, and return its number. A click on a page of its own marks it."""
        number = len(self.sent)
        mark = Event(event_id=str(number), device_id=f"sender {number % 5}", timestamp=self.templates[0].timestamp)
        mark.click.target = str(number)
        mark.click.current_url = MARK_PAGE
        events = [mark]
        for position in range(1, EVENTS_A_REQUEST):
            event = Event()
            event.CopyFrom(self.templates[(number * 7 + position) % len(self.templates)])
            if event.event_id:
                event.event_id = f"{number}-{position}"
            events.append(event)
        self.sent.append(events)
        return number

    def _answer(self, number: int, outcome: IngestOutcome) -> None:
        self.answered[number] = outcome
        if len(self.answered) >= self.enough_answers:
            self.is_under_way.set()

    async def _call(self, ingest: IngestServiceStub) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            while True:
                number = self._draw()
                response = await ingest.IngestEvents(IngestEventsRequest(app=self.app.app, events=self.sent[number]))
                self._answer(number, response.outcome)

    async def _stream(self, ingest: IngestServiceStub) -> None:
        room = asyncio.Semaphore(UNANSWERED_MESSAGES)
        numbers: list[int] = []
        call = ingest.StreamEvents()

        async def write() -> None:
            while True:
                await room.acquire()
                numbers.append(self._draw())
                await call.write(StreamEventsRequest(app=self.app.app, events=self.sent[numbers[-1]]))

        writing = asyncio.create_task(write())
        with contextlib.suppress(grpc.aio.AioRpcError):
            while True:
                response: Any = await call.read()
                self._answer(numbers.pop(0), response.outcome)
                room.release()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def templates_of(app: App, random: Random) -> list[Event]:
    """Draw events. Each stage change names the stage left, as a process forgets stages when it is killed."""
    events = draw_events(random, Season(datetime.now(UTC), [app.time_zone]), app, 200)
    for event in events:
        if event.HasField("funnel_change"):
            event.funnel_change.left = random.randrange(3)
    return events


async def counted_requests(channel: grpc.aio.Channel, app: App) -> set[int]:
    """Return the requests whose mark the server counts."""
    request = QueryClickTargetsRequest(app=app.app, current_url=MARK_PAGE, page_size=1_000)
    request.date_range.start_date = "-20d"
    marks = set()
    while True:
        response = await AnalyticsServiceStub(channel).QueryClickTargets(request)
        marks |= {int(row.target) for row in response.rows}
        request.page_token = response.next_page_token
        if not request.page_token:
            return marks


async def differences_after(load: Load, channel: grpc.aio.Channel, random: Random) -> list[str]:
    """Send again half of what was not answered, and say in what the server's figures are not as they must be."""
    found = [
        f"request {number}: {outcome}"
        for number, outcome in load.answered.items()
        if outcome != IngestOutcome(stored_count=EVENTS_A_REQUEST)
    ]
    counted = await counted_requests(channel, load.app)
    found += [f"request {number} is lost" for number in load.answered if number not in counted]
    ingest = IngestServiceStub(channel)
    for number in load.unanswered:
        if random.randrange(2):
            request = IngestEventsRequest(app=load.app.app, events=load.sent[number], resent=True)
            outcome = (await ingest.IngestEvents(request)).outcome
            known = IngestOutcome(duplicate_indexes=range(EVENTS_A_REQUEST))
            if outcome != (known if number in counted else IngestOutcome(stored_count=EVENTS_A_REQUEST)):
                found.append(f"request {number}, sent again, {number in counted}: {outcome}")
            counted.add(number)
    acknowledged = Acknowledged({load.app.app: load.app})
    for number in sorted(counted):
        acknowledged.take(load.app.app, [SentEvent(event) for event in load.sent[number]])
    today = date_of(int(time.time()), load.app.time_zone)
    dashboard = Dashboard(channel, acknowledged, load.app, today - 20 * DAY, today + DAY)
    return found + await dashboard.differences([INTERVAL_UNSPECIFIED, INTERVAL_DAY])


async def test_killed_in_the_middle_of_a_load(tmp_path: Path) -> None:
    """After each restart all that was acknowledged is counted, and every other request wholly or not at all."""
    random = Random(7)
    store = f"sqlite:{tmp_path / 'events.db'}"
    loads: list[Load] = []
    found: list[str] = []
    server = await start_process(store, tmp_path / "first.log")
    for crash in range(CRASHES):
        app = App(app=f"app-{crash}", time_zone="Europe/Vienna", shard_count=4, retention_days=30)
        async with grpc.aio.insecure_channel(server.address) as channel:
            await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=app))
        load = Load(app, templates_of(app, random), enough_answers=random.randint(1, 100))
        loads.append(load)
        running = asyncio.create_task(load.run(server.address))
        await load.is_under_way.wait()
        await asyncio.sleep(random.random() * 0.01)
        await server.kill()
        await running
        server = await start_process(store, tmp_path / f"{crash}.log")
        async with grpc.aio.insecure_channel(server.address) as channel:
            found += await differences_after(load, channel, random)
    async with grpc.aio.insecure_channel(server.address) as channel:
        for load in loads:
            lost = load.answered.keys() - await counted_requests(channel, load.app)
            found += [f"request {number} of {load.app.app} was lost later" for number in lost]
    status = await server.stop()

    assert [] == found
    assert all(load.unanswered for load in loads)
    assert 0 == status
