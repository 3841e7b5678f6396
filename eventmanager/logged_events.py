"""Reads blocks: the rows of the log, as `payload_writer` writes them."""

from collections.abc import Callable, Sequence, Set
from typing import Final, TypeAlias

import zstandard
from live.eventmanager.storage.v1.block_pb2 import Block as BlockMessage
from live.eventmanager.v1.event_pb2 import Event

from eventmanager.blocks import StoredBlock
from eventmanager.event_rows import read_type
from eventmanager.events import EventRow
from eventmanager.packed_uuids import unpack
from eventmanager.platforms import PlatformReader

_NANOS_PER_SECOND: Final = 1_000_000_000

Identity: TypeAlias = tuple[str, str]
"""device_id and event_id, which tell an event from the others of its app's day."""


def rows_of(
    stored: StoredBlock, platforms: PlatformReader, wanted: Callable[[str], bool] | None = None
) -> Sequence[EventRow]:
    """Read the rows of a block as they were when it was written, or those of the visitors that are wanted."""
    return _rows(BlockMessage.FromString(zstandard.decompress(stored.payload)), platforms, wanted)


def copies_of(
    stored: StoredBlock, platforms: PlatformReader, identities: Set[Identity]
) -> Sequence[tuple[bytes, EventRow]]:
    """Read the rows of some events in a block, each with its bytes, by which copies that differ are told apart."""
    message = BlockMessage.FromString(zstandard.decompress(stored.payload))
    copies: list[tuple[bytes, EventRow]] = []
    for event, row in zip(message.logged.events, _rows(message, platforms, None), strict=True):
        event_id = row[2]
        if (row[1], event_id) in identities:
            event.event_id = event_id
            copies.append((event.SerializeToString(deterministic=True), row))
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


def _rows(message: BlockMessage, platforms: PlatformReader, wanted: Callable[[str], bool] | None) -> Sequence[EventRow]:
    """Read rows in one pass: a recount does little else."""
    told = [platforms.complete(told.browser, told.os, told.device, "") for told in message.platforms]
    ids = _event_ids(message)
    rows: list[EventRow] = []
    for event, event_id, hour, index in zip(
        message.logged.events, ids, message.hours, message.platform_indexes, strict=True
    ):
        device_id = event.device_id
        if wanted is not None and not wanted(device_id):
            continue
        # Cleaned before it was written: nothing is cleaned again, whatever the app's settings are now.
        kind, subject, detail, elapsed_ms, _ = read_type(event, event.WhichOneof("type"), True)  # noqa: FBT003 - as it is called everywhere.
        timestamp = event.timestamp
        time_ns = timestamp.seconds * _NANOS_PER_SECOND + timestamp.nanos
        rows.append((kind, device_id, event_id, time_ns, hour, told[index], subject, detail, elapsed_ms))
    return rows


def _event_ids(message: BlockMessage) -> Sequence[str]:
    if message.uuids:
        return unpack(message.uuids)
    if not message.request:
        return [event.event_id for event in message.logged.events]
    request = message.request.hex()
    return [
        event.event_id or f"{request}-{position}"
        for event, position in zip(message.logged.events, message.positions, strict=True)
    ]
