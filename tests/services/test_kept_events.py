"""What is kept of events: all that was sent, whatever their ids are like."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any
from uuid import UUID

import grpc
import pytest
import zstandard
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.storage.v1.block_pb2 import Block
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import DateRange, ListDeviceEventsRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Click, Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestEventsResponse, IngestOutcome

from eventmanager.config import Config
from eventmanager.server import start
from tests.conftest import NOON_S, Clock

FUTURE_FIELD = b"\xc2\x3e\x05later"
"""Field 1000, a text, which no version knows."""


def clicks(event_id: Callable[[int], str], count: int = 40) -> Sequence[Event]:
    """Return a visitor's events, in the order of time."""
    return [
        Event(
            event_id=event_id(number),
            timestamp=Timestamp(seconds=int(NOON_S) - 60 + number),
            device_id="u1",
            user_agent="curl/8.5.0",
            click=Click(target=f"button {number}", current_url="/home"),
        )
        for number in range(count)
    ]


def uuid(number: int) -> str:
    """Return an id as most senders make them."""
    return str(UUID(int=number << 64 | 0xABCDEF))


def id_last(event: Event) -> bytes:
    """Serialize an event with its fields in another order than is usual."""
    event_id = Event(event_id=event.event_id).SerializeToString()
    rest = Event.FromString(event.SerializeToString())
    rest.ClearField("event_id")
    return rest.SerializeToString() + event_id


def id_twice(event: Event) -> bytes:
    """Serialize an event with an id before its own, which is the last."""
    return Event(event_id=uuid(1 << 60)).SerializeToString() + id_last(event)


def id_of_none_first(event: Event) -> bytes:
    """Serialize an event with a text of 36 characters before its id."""
    return Event(event_id="x" * 36).SerializeToString() + id_last(event)


def request_of(events: Sequence[bytes]) -> bytes:
    """Serialize a request of events as they are."""
    return IngestEventsRequest(app="shop").SerializeToString() + b"".join(
        b"\x12" + bytes([length & 127 | 128, length >> 7]) + event for event in events if (length := len(event))
    )


@asynccontextmanager
async def new_channel(store: str, clock: Clock) -> AsyncIterator[grpc.aio.Channel]:
    """Give a channel to a server of its own."""
    server = await start(Config(listen="127.0.0.1:0", store=store), clock)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield channel
    finally:
        await server.stop(1)


async def send(channel: grpc.aio.Channel, encoded: bytes) -> IngestOutcome:
    """Send a request's bytes."""
    call: Any = channel.unary_unary("/live.eventmanager.v1.IngestService/IngestEvents")
    return IngestEventsResponse.FromString(await call(encoded)).outcome


async def kept(channel: grpc.aio.Channel) -> Sequence[Event]:
    """Return the visitor's events, oldest first."""
    stub = AnalyticsServiceStub(channel)
    request = ListDeviceEventsRequest(app="shop", device_id="u1", date_range=DateRange(start_date="today"))
    return sorted((await stub.ListDeviceEvents(request)).events, key=lambda event: event.timestamp.seconds)


@pytest.mark.parametrize(
    "event_id",
    [
        pytest.param(uuid, id="UUIDs"),
        pytest.param(lambda number: uuid(number).upper(), id="capitals"),
        pytest.param(lambda number: f"event {number}", id="texts"),
        pytest.param(lambda number: uuid(number) * (number % 2), id="some have none"),
    ],
)
async def test_ids_of_any_form(channel: grpc.aio.Channel, event_id: Callable[[int], str]) -> None:
    """Events without one get one, and it is always the same."""
    events = clicks(event_id)
    encoded = IngestEventsRequest(app="shop", events=events).SerializeToString()

    assert IngestOutcome(stored_count=40) == await send(channel, encoded)
    found = await kept(channel)
    again = await send(channel, encoded)

    assert IngestOutcome(duplicate_indexes=range(40)) == again
    for event, of_log in zip(events, found, strict=True):
        assert of_log.event_id
        event.event_id = event.event_id or of_log.event_id
    assert events == found
    assert 40 == len({event.event_id for event in found})


@pytest.mark.parametrize("encode", [Event.SerializeToString, id_last, id_twice, id_of_none_first])
async def test_bytes_of_any_order(channel: grpc.aio.Channel, encode: Callable[[Event], bytes]) -> None:
    """Also fields that this version does not know, and URLs that are kept without their query."""
    events = clicks(uuid)
    for event in events[::3]:
        event.click.current_url = "/home?secret=1"
    encoded = [encode(event) + FUTURE_FIELD for event in events]

    assert IngestOutcome(stored_count=40) == await send(channel, request_of(encoded))

    expected = [Event.FromString(event) for event in encoded]
    for event in expected:
        event.click.current_url = "/home"
    assert expected == await kept(channel)


async def test_the_log_has_uuids_in_sixteen_bytes(database: str, clock: Clock) -> None:
    """In place of their texts, where a block has many events; of few, each keeps its text."""
    many, few = clicks(uuid)[:35], clicks(uuid)[35:]
    async with new_channel(database, clock) as channel:
        for events in (many, few):
            await send(channel, IngestEventsRequest(app="shop", events=events).SerializeToString())

    with closing(sqlite3.connect(database.removeprefix("sqlite:"))) as connection:
        rows = connection.execute("SELECT payload FROM events ORDER BY count").fetchall()
    of_few, of_many = (Block.FromString(zstandard.decompress(payload)) for (payload,) in rows)

    assert b"".join(UUID(event.event_id).bytes for event in many) == of_many.uuids
    assert [""] * 35 == [event.event_id for event in of_many.logged.events]
    assert (b"", few) == (of_few.uuids, of_few.logged.events)


async def test_copies_in_requests_of_other_sizes_count_once(database: str, clock: Clock) -> None:
    """Sent all together and one by one, to servers that know nothing of each other's ids."""
    events = clicks(uuid)
    requests = [
        IngestEventsRequest(app="shop", events=some).SerializeToString()
        for some in (events, *([event] for event in events[:5]), events[::-1])
    ]
    for encoded in requests:
        async with new_channel(database, clock) as channel:
            await send(channel, encoded)
    async with new_channel(database, clock) as channel:
        [*_, audited] = [
            progress
            async for progress in AdminServiceStub(channel).AuditDays(
                AuditDaysRequest(app="shop", date_range=DateRange(start_date="today"))
            )
        ]
        found = await kept(channel)

    assert events == found
    assert (40, 45, True) == (audited.events, audited.duplicate_events, audited.audited)
