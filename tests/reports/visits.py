"""What visitors do, in short words, and how it gets to a server."""

import datetime
from collections.abc import Sequence

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, Stage
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.event_pb2 import BtnAction, BtnTime, Click, Event, FunnelAction, FunnelChange, UrlChange
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestOutcome
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

NOON = "2026-06-17T12:00"
"""Where tests' clocks begin, in UTC."""


def instant(time: str) -> Timestamp:
    """Return an instant given in UTC, such as `2026-06-17T12:00:01.5`."""
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.datetime.fromisoformat(time).replace(tzinfo=datetime.UTC))
    return timestamp


def duration(seconds: float) -> Duration:
    """Return a duration of whole milliseconds."""
    return Duration(seconds=int(seconds), nanos=round(seconds % 1 * 1_000) * 1_000_000)


def entered(
    visitor: str, stage: int, time: str = NOON, *, elapsed_s: float | None = None, left: int | None = None
) -> Event:
    """Enter a stage of the funnel."""
    elapsed = None if elapsed_s is None else duration(elapsed_s)
    change = FunnelChange(action=FunnelAction.FUNNEL_ACTION_ON_CLICK, entered=stage, elapsed_time=elapsed, left=left)
    return Event(timestamp=instant(time), device_id=visitor, funnel_change=change)


def clicked(
    visitor: str, target: str, time: str = NOON, *, url: str = "/home", elapsed_s: float | None = None
) -> Event:
    """Press an element."""
    elapsed = None if elapsed_s is None else duration(elapsed_s)
    return Event(
        timestamp=instant(time),
        device_id=visitor,
        click=Click(target=target, current_url=url, elapsed_time=elapsed),
    )


def viewed(visitor: str, url: str, time: str = NOON, *, left: str = "", elapsed_s: float | None = None) -> Event:
    """Move to a page."""
    elapsed = None if elapsed_s is None else duration(elapsed_s)
    return Event(
        timestamp=instant(time),
        device_id=visitor,
        url_change=UrlChange(from_url=left, to_url=url, elapsed_time=elapsed),
    )


def hovered(visitor: str, target: str, elapsed_s: float, time: str = NOON, *, clicks: bool) -> Event:
    """Hover over a button."""
    action = BtnAction.BTN_ACTION_HOVER_THEN_CLICKED if clicks else BtnAction.BTN_ACTION_HOVER_THEN_LEAVE
    hover = BtnTime(target=target, action=action, elapsed_time=duration(elapsed_s))
    return Event(timestamp=instant(time), device_id=visitor, btn_time=hover)


async def make_app(channel: grpc.aio.Channel, app: str, *, stages: Sequence[str] = (), **settings: str | int) -> None:
    """Make an app whose stages are numbered from 0."""
    named = [Stage(stage=number, name=name) for number, name in enumerate(stages)]
    wanted = App(app=app, stages=named, **settings)  # type: ignore[arg-type]  # Each by its own type.
    await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=wanted))


async def ingest(channel: grpc.aio.Channel, app: str, events: Sequence[Event]) -> IngestOutcome:
    """Send events, and return what became of them."""
    request = IngestEventsRequest(app=app, events=events)
    return (await IngestServiceStub(channel).IngestEvents(request)).outcome


async def send(channel: grpc.aio.Channel, app: str, events: Sequence[Event]) -> None:
    """Send events, all of which are asserted to be stored."""
    assert IngestOutcome(stored_count=len(events)) == await ingest(channel, app, events)
