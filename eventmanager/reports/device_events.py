"""ListDeviceEvents: what one visitor did, read from the log.

It takes a day's whole log to find a visitor's events. So they are kept for the next page, and for whoever asks again.
"""

import asyncio
import datetime
import itertools
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import ListDeviceEventsResponse
from live.eventmanager.v1.event_pb2 import Event

from eventmanager.blocks import Partition, StoredBlock
from eventmanager.logged_events import events_of
from eventmanager.paging import Page, Place, fitting
from eventmanager.reports.figures import Sources, read_marks
from eventmanager.reports.scope import Scope
from eventmanager.store.protocol import Store
from eventmanager.zones import Zone

_NANOS_PER_SECOND: Final = 1_000_000_000
_BYTES_OBJECT_BYTES: Final = 40
"""What bytes take beside themselves."""


async def device_events(sources: Sources, scope: Scope, page: Page, device_id: str) -> ListDeviceEventsResponse:
    """List a page of events, oldest first, then by id; of copies that differ, the one whose bytes sort first."""
    after = (page.after.numbers[0], page.after.texts[0]) if page.after else (0, "")
    # Before the log is read: all that was acknowledged by then is in what is kept under them.
    marks = await read_marks(sources.store, scope.app.app, scope.dates)
    events: list[Event] = []
    for dates in _together(scope.app.zone, scope.dates):
        if len(events) > page.size:
            break
        if scope.app.zone.end_instant(dates[-1]) * _NANOS_PER_SECOND <= after[0]:
            continue
        found: list[Event] = []
        for date in dates:
            shard = zlib.crc32(device_id.encode()) % scope.app.shard_count(date)
            partition = Partition(scope.app.app, date, shard)
            encoded = await _events_of_day(sources, partition, marks.get(date), device_id)
            found += map(Event.FromString, encoded)
        events += sorted((event for event in found if _order(event) > after), key=_order)
    rows = fitting(events, page.size)
    token = ""
    if len(rows) < len(events):
        time_ns, event_id = _order(rows[-1])
        token = page.token(Place((time_ns,), (event_id,)), scope.span.as_range())
    return ListDeviceEventsResponse(events=rows, next_page_token=token)


def _together(zone: Zone, dates: Sequence[datetime.date]) -> Iterator[Sequence[datetime.date]]:
    """Split dates so that all events of one part come before those of the next.

    Where a clock goes back over midnight, a day begins, ends, and begins again: it and the day before are one part.
    """
    part: list[datetime.date] = []
    for date, next_date in itertools.zip_longest(dates, dates[1:]):
        part.append(date)
        if next_date is None or zone.end_instant(date) <= zone.first_instant(next_date):
            yield part
            part = []


async def _events_of_day(
    sources: Sources, partition: Partition, marks: bytes | None, device_id: str
) -> Collection[bytes]:
    """Return a visitor's events of a day, serialized, each once and in no order. `marks` are the day's, where known."""
    name = (partition, device_id, marks)
    kept: Collection[bytes] | None = sources.kept.get(name)
    if kept is not None:
        return kept
    events = await _read_events(sources.store, partition, device_id)
    if marks is not None:
        sources.kept.keep(name, events, sum(_BYTES_OBJECT_BYTES + len(encoded) for encoded in events))
    return events


async def _read_events(store: Store, partition: Partition, device_id: str) -> Collection[bytes]:
    if not await store.has_visitor(partition, device_id):
        return ()
    first_copies: dict[str, bytes] = {}
    async for blocks in store.log(partition):
        # In a thread: a page of blocks takes some time to decompress.
        await asyncio.to_thread(_add_events, first_copies, blocks, device_id)
    return tuple(first_copies.values())


def _add_events(first_copies: dict[str, bytes], blocks: Sequence[StoredBlock], device_id: str) -> None:
    for block in blocks:
        for event in events_of(block, device_id):
            encoded = event.SerializeToString(deterministic=True)
            known = first_copies.get(event.event_id)
            if known is None or encoded < known:
                first_copies[event.event_id] = encoded


def _order(event: Event) -> tuple[int, str]:
    return event.timestamp.ToNanoseconds(), event.event_id
