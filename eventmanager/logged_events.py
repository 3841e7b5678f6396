"""Reads blocks: the rows of the log, as `block_writer` writes them."""

from collections.abc import Callable, Sequence, Set
from typing import TypeAlias

import zstandard
from live.eventmanager.storage.v1.block_pb2 import Block as BlockMessage
from live.eventmanager.v1.event_pb2 import Event

from eventmanager.blocks import StoredBlock
from eventmanager.event_rows import read_type
from eventmanager.events import EventRow, Platform
from eventmanager.platforms import PlatformReader

Identity: TypeAlias = tuple[str, str]
"""device_id and event_id, which tell an event from the others of its app's day."""


def rows_of(
    stored: StoredBlock, platforms: PlatformReader, wanted: Callable[[str], bool] | None = None
) -> Sequence[EventRow]:
    """Read the rows of a block as they were when it was written, or those of the visitors that are wanted."""
    message = BlockMessage.FromString(zstandard.decompress(stored.payload))
    told = _told(message, platforms)
    rows: list[EventRow] = []
    ids = _event_ids(message)
    for event, event_id, hour, index in zip(
        message.logged.events, ids, message.hours, message.platform_indexes, strict=True
    ):
        if wanted is None or wanted(event.device_id):
            rows.append(_row(event, event_id, hour, told[index]))
    return rows


def copies_of(
    stored: StoredBlock, platforms: PlatformReader, identities: Set[Identity]
) -> Sequence[tuple[bytes, EventRow]]:
    """Read the rows of some events in a block, each with its bytes, by which copies that differ are told apart."""
    message = BlockMessage.FromString(zstandard.decompress(stored.payload))
    told = _told(message, platforms)
    copies: list[tuple[bytes, EventRow]] = []
    ids = _event_ids(message)
    for event, event_id, hour, index in zip(
        message.logged.events, ids, message.hours, message.platform_indexes, strict=True
    ):
        if (event.device_id, event_id) in identities:
            event.event_id = event_id
            copies.append((event.SerializeToString(deterministic=True), _row(event, event_id, hour, told[index])))
    return copies


def events_of(stored: StoredBlock, device_id: str) -> Sequence[Event]:
    """Read the events of one visitor in a block, their ids filled in where they were sent without."""
    encoded = zstandard.decompress(stored.payload)
    if device_id.encode() not in encoded:  # Most blocks do not hold most visitors, and parsing is what takes time.
        return ()
    message = BlockMessage.FromString(encoded)
    events = []
    for event, event_id in zip(message.logged.events, _event_ids(message), strict=True):
        if event.device_id == device_id:
            event.event_id = event_id
            events.append(event)
    return events


def _told(message: BlockMessage, platforms: PlatformReader) -> Sequence[Platform]:
    return [platforms.complete(told.browser, told.os, told.device, "") for told in message.platforms]


def _row(event: Event, event_id: str, hour: int, platform: Platform) -> EventRow:
    # Cleaned before it was written: nothing is cleaned again, whatever the app's settings are now.
    kind, subject, detail, elapsed_ms, _ = read_type(event, event.WhichOneof("type"), True)  # noqa: FBT003 - as it is called everywhere.
    return (
        kind,
        event.device_id,
        event_id,
        event.timestamp.ToNanoseconds(),
        hour,
        platform,
        subject,
        detail,
        elapsed_ms,
    )


def _event_ids(message: BlockMessage) -> Sequence[str]:
    if not message.request:
        return [event.event_id for event in message.logged.events]
    request = message.request.hex()
    return [
        event.event_id or f"{request}-{position}"
        for event, position in zip(message.logged.events, message.positions, strict=True)
    ]
