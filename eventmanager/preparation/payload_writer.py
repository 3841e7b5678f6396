"""Writes payloads: what the log keeps of a block's events, in the format of `storage/v1/block.proto`, compressed with
zstd.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final

import zstandard
from live.eventmanager.storage.v1.block_pb2 import SerializedBlock
from live.eventmanager.v1 import event_pb2

from eventmanager.events import EventRow, Platform
from eventmanager.packed_uuids import pack

_FEWEST_APART: Final = 32
"""Events of a block from which on ids are taken out and what differs in kind is compressed apart: for fewer, both take
more than they save.
"""
_BEFORE_UUID: Final = b"\n$"
"""How an event's bytes begin whose first field is its id, of 36 bytes."""
_BEGINNING: Final = itemgetter(slice(2))
_AFTER_UUID: Final = itemgetter(slice(38, None))
# Of an EventRow:
_ID: Final = itemgetter(2)
_HOUR: Final = itemgetter(4)
_PLATFORM: Final = itemgetter(5)
# Level 3 takes twice the time, for blocks as large: what is left of an event is its id, which nothing makes smaller.
# Level 1 looks for what comes again by 6 bytes; 5 and a larger table save 2 bytes an event, for a tenth more time.
_COMPRESSION: Final = zstandard.ZstdCompressionParameters.from_level(1, hash_log=16, min_match=5)
_KNOWN_KINDS: Final = 4_096
"""Hours and platforms of single events whose part of a block is kept: some 1 MiB."""


class PayloadWriter:
    """Makes payloads of events. Not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(compression_params=_COMPRESSION)

    def write(
        self,
        rows: Sequence[EventRow],
        events: Sequence[bytes],
        request: bytes,
        positions: Sequence[int],
    ) -> bytes:
        """Return the payload of a block.

        `events` are those of `rows`, each serialized. `request` is the name of theirs where one came without an id,
        with their positions in it, and empty otherwise.
        """
        if len(rows) == 1 and not request:
            [row] = rows
            return self._compressor.compress(_beside_one(row[4], row[5]) + _logged(events))
        uuids = b""
        if not request and len(rows) >= _FEWEST_APART:
            uuids, events = _taken_out(rows, events) or (uuids, events)
        parts = (
            SerializedBlock(uuids=uuids).SerializeToString(),
            _beside(map(_HOUR, rows), map(_PLATFORM, rows), request, positions if request else ()),
            _logged(events),
        )
        return self._compressor.compress(b"".join(parts)) if len(rows) < _FEWEST_APART else self._apart(parts)

    def _apart(self, parts: Sequence[bytes]) -> bytes:
        """Compress the parts of a block, which are one message when put together, as one zstd frame.

        What a part has is told apart from what others have: bytes of UUIDs, numbers and texts are made up of different
        bytes, and zstd has one code for all bytes of a block of its own.
        """
        compressing = self._compressor.compressobj(size=sum(map(len, parts)))
        compressed: list[bytes] = []
        for part in parts:
            compressed += (compressing.compress(part), compressing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        compressed.append(compressing.flush())
        return b"".join(compressed)


def _logged(events: Iterable[bytes]) -> bytes:
    block = SerializedBlock()
    block.logged.events.extend(events)  # In place: a message that is handed over would be copied by way of its bytes.
    return block.SerializeToString()


def _beside(
    hours: Iterable[int], platforms: Iterable[Platform], request: bytes = b"", positions: Sequence[int] = ()
) -> bytes:
    """Serialize what is kept of events beside what was sent: of each its hour and its platform."""
    places: dict[Platform, int] = {}
    return SerializedBlock(
        hours=hours,
        platform_indexes=[places.setdefault(platform, len(places)) for platform in platforms],
        platforms=[event_pb2.Platform(browser=browser, os=os, device=device) for browser, os, device in places],
        request=request,
        positions=positions,
    ).SerializeToString()


@lru_cache(_KNOWN_KINDS)
def _beside_one(hour: int, platform: Platform) -> bytes:
    return _beside([hour], [platform])


def _taken_out(rows: Iterable[EventRow], events: Iterable[bytes]) -> tuple[bytes, Sequence[bytes]] | None:
    """Take the ids out of events: return them in 16 bytes each, with the events without them.

    None where some id is no UUID, or does not come first: then it could not be put back where it was.
    """
    events = list(events)  # Each is made from C's bytes whenever it is asked for.
    if set(map(_BEGINNING, events)) != {_BEFORE_UUID}:
        return None
    uuids = pack(list(map(_ID, rows)))
    return None if uuids is None else (uuids, list(map(_AFTER_UUID, events)))
