"""Writes payloads: what the log keeps of a block's events, in the format of `storage/v1/block.proto`, compressed with
zstd.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

import zstandard
from live.eventmanager.storage.v1.block_pb2 import SerializedBlock, SerializedEvents
from live.eventmanager.v1.event_pb2 import Platform

from eventmanager.events import EventRow
from eventmanager.packed_uuids import pack

_FEWEST_APART: Final = 32
"""Events of a block from which on ids are taken out and what differs in kind is compressed apart: for fewer, both take
more than they save.
"""
_BEFORE_UUID: Final = b"\n$"
"""How an event's bytes begin whose first field is its id, of 36 bytes."""
_BEGINNING: Final = itemgetter(slice(2))
_AFTER_UUID: Final = itemgetter(slice(38, None))
_ID: Final = itemgetter(2)
"""Of an EventRow."""
# Level 3 takes twice the time, for blocks as large: what is left of an event is its id, which nothing makes smaller.
# Level 1 looks for what comes again by 6 bytes; 5 and a larger table save 2 bytes an event, for a tenth more time.
_COMPRESSION: Final = zstandard.ZstdCompressionParameters.from_level(1, hash_log=16, min_match=5)


def serialize_events(events: Iterable[bytes]) -> bytes:
    """Put serialized events together as SerializedEvents."""
    return SerializedEvents(events=events).SerializeToString()


class PayloadWriter:
    """Makes payloads of events. Not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(compression_params=_COMPRESSION)

    def write(
        self,
        rows: Sequence[EventRow],
        events: Sequence[bytes],
        encoded: bytes,
        request: bytes,
        positions: Sequence[int],
    ) -> bytes:
        """Return the payload of a block.

        `events` are those of `rows`, each serialized, and `encoded` is all of them as SerializedEvents. `request` is
        the name of theirs where one came without an id, with their positions in it, and empty otherwise.
        """
        uuids = b""
        if not request and len(rows) >= _FEWEST_APART:
            uuids, encoded = _taken_out(rows, events) or (uuids, encoded)
        platforms: dict[tuple[str, str, str], int] = {}
        beside = SerializedBlock(
            hours=[row[4] for row in rows],
            platform_indexes=[platforms.setdefault(row[5], len(platforms)) for row in rows],
            platforms=[Platform(browser=browser, os=os, device=device) for browser, os, device in platforms],
            request=request,
            positions=positions if request else (),
        )
        return self._compress([SerializedBlock(uuids=uuids), beside, SerializedBlock(logged=encoded)], len(rows))

    def _compress(self, parts: Iterable[SerializedBlock], events: int) -> bytes:
        """Compress the parts of a block, which are one message when put together.

        As one zstd frame, in which what a part has is told apart from what others have: bytes of UUIDs, numbers and
        texts are made up of different bytes, and zstd has one code for all bytes of a block of its own.
        """
        serialized = [part.SerializeToString() for part in parts]
        if events < _FEWEST_APART:
            return self._compressor.compress(b"".join(serialized))
        compressing = self._compressor.compressobj(size=sum(map(len, serialized)))
        compressed: list[bytes] = []
        for part in serialized:
            compressed += (compressing.compress(part), compressing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        compressed.append(compressing.flush())
        return b"".join(compressed)


def _taken_out(rows: Iterable[EventRow], events: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    """Take the ids out of events: return them in 16 bytes each, with the events without them as SerializedEvents.

    None where some id is no UUID, or does not come first: then it could not be put back where it was.
    """
    events = list(events)  # Each is made from C's bytes whenever it is asked for.
    if set(map(_BEGINNING, events)) != {_BEFORE_UUID}:
        return None
    uuids = pack(list(map(_ID, rows)))
    return None if uuids is None else (uuids, serialize_events(map(_AFTER_UUID, events)))
