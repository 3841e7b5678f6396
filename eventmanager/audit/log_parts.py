"""Counts the distinct events of a partition's log, in parts small enough for memory.

A part has some of the visitors, with all their events: most often all of them. The log is read once for it, where no
event comes twice, and in passing it is found out whether any does. Where some do, it is read again, and those events
are set aside until the copy that counts is known.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final, NamedTuple

from eventmanager.audit.gathered_facts import PartFigures
from eventmanager.audit.identities import Identities, IdentityHash, identity_hashes
from eventmanager.audit.pace import Leave, do_in_steps
from eventmanager.blocks import Partition, StoredBlock
from eventmanager.events import EventRow
from eventmanager.logged_events import Identity, copies_of, rows_of
from eventmanager.platforms import PlatformReader
from eventmanager.store.protocol import LoggedDays

_MOST_PARTS: Final = 1 << 16
_SHARD_BITS: Final = 8
"""The lowest bits of the CRC-32 say in which of at most 256 shards a visitor is."""


@dataclass(frozen=True, slots=True)
class PartBounds:
    """What keeps a part's memory within bounds: beyond them half of its visitors are left for other passes."""

    most_events: int = 16_000_000
    """8 bytes each, and as much for each visitor in each set."""
    most_move_bytes: int = 256 << 20
    most_copied_events: int = 250_000
    """Events that have copies take up to a kilobyte each."""
    rows_at_once: int = 50_000
    """Folded together: some 25 MB."""


class LogPart(NamedTuple):
    """What the log tells of some visitors: their figures, their distinct events, and how many copies are beside."""

    figures: PartFigures
    events: int
    copies: int


class _Visitors(NamedTuple):
    """The visitors of a part: those whose CRC-32, divided by the number of parts, leaves a remainder."""

    parts: int
    remainder: int

    def holds(self, device_id: str) -> bool:
        return (zlib.crc32(device_id.encode()) >> _SHARD_BITS) % self.parts == self.remainder

    def halves(self) -> tuple["_Visitors", "_Visitors"]:
        return _Visitors(2 * self.parts, self.remainder), _Visitors(2 * self.parts, self.remainder + self.parts)


class PartitionLog(NamedTuple):
    """A log that is counted, with what that takes."""

    days: LoggedDays
    partition: Partition
    platforms: PlatformReader
    leave: Leave
    bounds: PartBounds


async def log_parts(log: PartitionLog) -> AsyncIterator[LogPart]:
    """Read a log as often as needed, and yield its parts: in all of them together each event is once.

    Of copies that differ the one whose deterministic serialization sorts first counts. Asks for leave after each page.
    """
    waiting = [_Visitors(1, 0)]
    while waiting:
        visitors = waiting.pop()
        part = await _read_part(log, visitors)
        if part is None:
            waiting += visitors.halves()
        else:
            yield part


async def _read_part(log: PartitionLog, visitors: _Visitors) -> LogPart | None:
    """Return a part, or None where it is too large."""
    # A visitor's events stay together, however many they are.
    may_stop = visitors.parts < _MOST_PARTS
    copied: set[IdentityHash] = set()
    while True:
        reading = _Reading(log, visitors, copied)
        async for blocks in log.days.log(log.partition):
            await asyncio.to_thread(reading.add, blocks)
            if reading.is_too_large() and may_stop:
                return None
            await log.leave()
        # What came in since an earlier pass may be copies, too: only a pass that sets all of them aside is believed.
        repeated = await asyncio.to_thread(reading.identities.repeated)
        if not repeated:
            await do_in_steps(reading.finish(), log.leave)
            return reading.part()
        if len(copied) + len(repeated) > log.bounds.most_copied_events and may_stop:
            return None
        copied |= repeated


class _Reading:
    """One pass over the log for a part."""

    def __init__(self, log: PartitionLog, visitors: _Visitors, copied: Set[IdentityHash]) -> None:
        self.identities = Identities()
        """Of the events that are not set aside."""
        self._platforms = log.platforms
        self._wanted = None if visitors.parts == 1 else visitors.holds
        self._copied = copied
        self._bounds = log.bounds
        self._figures = PartFigures(log.partition)
        self._rows: list[EventRow] = []
        self._aside: dict[Identity, tuple[bytes, EventRow]] = {}
        """Of each event that may have copies the one that counts, as far as the log was read."""
        self._copies = 0

    def add(self, blocks: Sequence[StoredBlock]) -> None:
        for block in blocks:
            rows = rows_of(block, self._platforms, self._wanted)
            hashes: Sequence[IdentityHash] = identity_hashes(rows)
            if self._copied and not self._copied.isdisjoint(hashes):
                rows, hashes = self._set_aside(block, rows, hashes)
            self.identities.add(hashes)
            self._rows += rows
            if len(self._rows) >= self._bounds.rows_at_once:
                self._figures.add(self._rows)
                self._rows.clear()

    def is_too_large(self) -> bool:
        bounds = self._bounds
        return (
            len(self.identities) > bounds.most_events
            or len(self._aside) > bounds.most_copied_events
            or self._figures.moves.size_bytes > bounds.most_move_bytes
        )

    def finish(self) -> Iterator[None]:
        """Do what is left once the log was read, a step at a time."""
        self._rows += [row for _, row in self._aside.values()]
        self._figures.add(self._rows)
        self._rows.clear()
        yield
        yield from self._figures.finish()

    def part(self) -> LogPart:
        return LogPart(self._figures, len(self.identities) + len(self._aside), self._copies)

    def _set_aside(
        self, block: StoredBlock, rows: Sequence[EventRow], hashes: Sequence[IdentityHash]
    ) -> tuple[Sequence[EventRow], Sequence[IdentityHash]]:
        """Return the rows without those that may be copies."""
        copied = self._copied
        suspects = {(row[1], row[2]) for row, one in zip(rows, hashes, strict=True) if one in copied}
        aside = self._aside
        for encoded, row in copies_of(block, self._platforms, suspects):
            identity = (row[1], row[2])
            known = aside.get(identity)
            if known is not None:
                self._copies += 1
            # Equal bytes may have been placed and read differently, by servers with other zones or patterns.
            if known is None or (encoded, row) < known:
                aside[identity] = encoded, row
        others = [row for row, one in zip(rows, hashes, strict=True) if one not in copied]
        return others, [one for one in hashes if one not in copied]
