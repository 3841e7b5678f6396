"""The distinct events of a partition's log, in parts small enough for memory.

A part has some of the visitors, with all their events. How many parts it takes turns out on the way: where one gets too
large, half of its visitors are left for another pass over the log.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence, Set
from typing import Any, Final, NamedTuple

from eventmanager.blocks import Partition, StoredBlock
from eventmanager.events import EventRow
from eventmanager.logged_events import Identity, copies_of, rows_of
from eventmanager.platforms import PlatformReader
from eventmanager.store.protocol import LoggedDays

MOST_PART_EVENTS: Final = 500_000
"""Most events of a part, which take some 250 MB."""
_MOST_PARTS: Final = 1 << 16
_SHARD_BITS: Final = 8
"""The lowest bits of the CRC-32 say in which of at most 256 shards a visitor is."""


class LogPart(NamedTuple):
    """The distinct events of some visitors, oldest first, then by id; and how many copies the log has beside them."""

    rows: Sequence[EventRow]
    copies: int


class _Visitors(NamedTuple):
    """The visitors of a part: those whose CRC-32, divided by the number of parts, leaves a remainder."""

    parts: int
    remainder: int

    def holds(self, device_id: str) -> bool:
        return (zlib.crc32(device_id.encode()) >> _SHARD_BITS) % self.parts == self.remainder


class _Gathered:
    """The events of a part, as far as they were read."""

    def __init__(self, visitors: _Visitors, platforms: PlatformReader) -> None:
        self.visitors = visitors
        self.events = 0
        self.contested: set[Identity] = set()
        """Events of which there are copies that differ."""
        self._platforms = platforms
        self._rows: dict[str, dict[str, EventRow]] = {}
        """By visitor and event id."""
        self._copies = Counter[str]()
        """By visitor."""
        self._texts: dict[Any, Any] = {}
        """One object for each text that comes again and again."""

    def add(self, blocks: Sequence[StoredBlock]) -> None:
        wanted = None if self.visitors.parts == 1 else self.visitors.holds
        one = self._texts.setdefault
        for block in blocks:
            for row in rows_of(block, self._platforms, wanted):
                kind, device_id, event_id, time_ns, hour, platform, subject, detail, elapsed_ms = row
                of_visitor = self._rows.get(device_id)
                if of_visitor is None:
                    of_visitor = self._rows[device_id] = {}
                elif event_id in of_visitor:
                    self._copies[device_id] += 1
                    # Where copies differ in nothing that counts, it does not matter which of them does.
                    if of_visitor[event_id] != row:
                        self.contested.add((device_id, event_id))
                    continue
                self.events += 1
                subject = one(subject, subject)
                detail = one(detail, detail)
                of_visitor[event_id] = (
                    kind, device_id, event_id, time_ns, hour, platform, subject, detail, elapsed_ms
                )  # fmt: skip

    def leave_half(self) -> _Visitors:
        """Keep the half of the visitors, and return the others."""
        parts, remainder = self.visitors
        self.visitors = _Visitors(2 * parts, remainder)
        holds = self.visitors.holds
        self._rows = {device_id: rows for device_id, rows in self._rows.items() if holds(device_id)}
        self._copies = Counter({device_id: copies for device_id, copies in self._copies.items() if holds(device_id)})
        self.contested = {identity for identity in self.contested if holds(identity[0])}
        self.events = sum(map(len, self._rows.values()))
        return _Visitors(2 * parts, remainder + parts)

    def replace(self, rows: Sequence[EventRow]) -> None:
        """Have other copies of some events count."""
        for row in rows:
            self._rows[row[1]][row[2]] = row

    def part(self) -> LogPart:
        """Return what was gathered, and keep nothing."""
        rows = [row for of_visitor in self._rows.values() for row in of_visitor.values()]
        self._rows.clear()
        rows.sort(key=lambda row: (row[3], row[2]))
        return LogPart(rows, self._copies.total())


async def log_parts(
    days: LoggedDays, partition: Partition, platforms: PlatformReader, most_events: int = MOST_PART_EVENTS
) -> AsyncIterator[LogPart]:
    """Read a partition's log as often as needed, and yield its parts: in all of them together each event is once.

    Of copies that differ the one whose deterministic serialization sorts first counts.
    """
    waiting = [_Visitors(1, 0)]
    while waiting:
        gathered = _Gathered(waiting.pop(), platforms)
        async for blocks in days.log(partition):
            await asyncio.to_thread(gathered.add, blocks)
            # A visitor's events stay together, however many they are.
            while gathered.events > most_events and gathered.visitors.parts < _MOST_PARTS:
                waiting.append(await asyncio.to_thread(gathered.leave_half))
        if gathered.contested:
            gathered.replace(await _winners(days, partition, platforms, gathered.contested))
        yield await asyncio.to_thread(gathered.part)


async def _winners(
    days: LoggedDays, partition: Partition, platforms: PlatformReader, contested: Set[Identity]
) -> Sequence[EventRow]:
    """Look through the log for all copies of some events, and return the one of each that counts."""
    first: dict[Identity, tuple[bytes, EventRow]] = {}

    def look_at(blocks: Sequence[StoredBlock]) -> None:
        for block in blocks:
            for encoded, row in copies_of(block, platforms, contested):
                identity = (row[1], row[2])
                known = first.get(identity)
                # Equal bytes may have been placed and read differently, by servers with other zones or patterns.
                if known is None or (encoded, row) < known:
                    first[identity] = encoded, row

    async for blocks in days.log(partition):
        await asyncio.to_thread(look_at, blocks)
    return [row for _, row in first.values()]
