"""Writes blocks: the rows of the log, in the format of `storage/v1/block.proto`, compressed with zstd."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

import zstandard
from live.eventmanager.storage.v1.block_pb2 import SerializedBlock, SerializedEvents
from live.eventmanager.v1.event_pb2 import Platform

from eventmanager.blocks import Block
from eventmanager.packed_uuids import pack
from eventmanager.preparation.validation import AdmittedEvents

MAX_BLOCK_EVENTS: Final = 2_000
MAX_BLOCK_BYTES: Final = 1 << 20
_FEWEST_APART: Final = 32
"""Events of a block from which on ids are taken out and what differs in kind is compressed apart: for fewer, both take
more than they save.
"""
_ID_BYTES: Final = 16
_BEFORE_UUID: Final = b"\n$"
"""How an event's bytes begin whose first field is its id, of 36 bytes."""
_BEGINNING: Final = itemgetter(slice(2))
_AFTER_UUID: Final = itemgetter(slice(38, None))
_ID: Final = itemgetter(2)
"""Of an EventRow."""
# Level 3 takes twice the time, for blocks as large: what is left of an event is its id, which nothing makes smaller.
# Level 1 looks for what comes again by 6 bytes; 5 and a larger table save 2 bytes an event, for a tenth more time.
_COMPRESSION: Final = zstandard.ZstdCompressionParameters.from_level(1, hash_log=16, min_match=5)


def name_request(serialized_events: bytes) -> bytes:
    """Name a request by a 128-bit hash of all its events as sent, serialized and length-prefixed in their order."""
    return hashlib.blake2b(serialized_events, digest_size=_ID_BYTES).digest()


class BlockWriter:
    """Makes blocks of admitted events. Not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(compression_params=_COMPRESSION)

    def write(self, admitted: AdmittedEvents, sent: SerializedEvents, request: bytes) -> Iterator[tuple[Block, range]]:
        """Yield each block with the positions in `admitted` that it holds.

        `sent` are all events of the request and nothing else; `request` is their name where one came without an id,
        and empty otherwise. A block's id is a hash of its events as sent, of that name and, where there is one, of
        their positions: the same request makes the same blocks, and equal events without ids in another make others.
        """
        positions = admitted.positions
        for span in _spans(positions, sent):
            is_request = len(span) == len(sent.events)
            rows = admitted.rows if len(span) == len(positions) else admitted.rows[span.start : span.stop]
            places = positions[span.start : span.stop]
            events: Sequence[bytes] = sent.events if is_request else [sent.events[place] for place in places]
            # A request whose events all go to one block is not put together anew.
            encoded = sent.SerializeToString() if is_request else _serialize(events)
            block_id = hashlib.blake2b(encoded, digest_size=_ID_BYTES)
            if request:
                block_id.update(SerializedBlock(request=request, positions=places).SerializeToString())
            cleaned = admitted.cleaned
            if cleaned:
                events = [cleaned.get(place) or event for place, event in zip(places, events, strict=True)]
                encoded = _serialize(events)
            uuids = None
            if not request and len(rows) >= _FEWEST_APART:
                events = list(events)  # Each is made from C's bytes whenever it is asked for.
                uuids = pack(list(map(_ID, rows))) if set(map(_BEGINNING, events)) == {_BEFORE_UUID} else None
                if uuids:
                    encoded = _serialize(map(_AFTER_UUID, events))
            platforms: dict[tuple[str, str, str], int] = {}
            beside = SerializedBlock(
                hours=[row[4] for row in rows],
                platform_indexes=[platforms.setdefault(row[5], len(platforms)) for row in rows],
                platforms=[Platform(browser=browser, os=os, device=device) for browser, os, device in platforms],
                request=request,
                positions=places if request else (),
            )
            payload = self._compress(
                [SerializedBlock(uuids=uuids or b""), beside, SerializedBlock(logged=encoded)], len(rows)
            )
            yield Block.of(admitted.partition, block_id.digest(), rows, payload, admitted.expire_time_s), span

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


def _serialize(events: Iterable[bytes]) -> bytes:
    return SerializedEvents(events=events).SerializeToString()


def _spans(positions: Sequence[int], sent: SerializedEvents) -> Iterator[range]:
    """Cut events into runs of at most MAX_BLOCK_EVENTS and MAX_BLOCK_BYTES, but of one event at least."""
    if len(positions) <= MAX_BLOCK_EVENTS and sent.ByteSize() <= MAX_BLOCK_BYTES:
        yield range(len(positions))
        return
    start = size = 0
    for place, position in enumerate(positions):
        length = len(sent.events[position])
        if place > start and (place - start >= MAX_BLOCK_EVENTS or size + length > MAX_BLOCK_BYTES):
            yield range(start, place)
            start, size = place, 0
        size += length
    yield range(start, len(positions))
