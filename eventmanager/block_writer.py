"""Writes blocks: the rows of the log, in the format of `storage/v1/block.proto`, compressed with zstd."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import zstandard
from live.eventmanager.storage.v1.block_pb2 import SerializedBlock
from live.eventmanager.v1.event_pb2 import Platform

from eventmanager.blocks import Block
from eventmanager.validation import AdmittedEvents

MAX_BLOCK_EVENTS: Final = 2_000
MAX_BLOCK_BYTES: Final = 1 << 20
_ID_BYTES: Final = 16
# Level 3 takes twice the time, for blocks as large: what is left of an event is its id, which nothing makes smaller.
_COMPRESSION_LEVEL: Final = 1


def name_request(serialized_events: bytes) -> bytes:
    """Name a request by a 128-bit hash of all its events as sent, serialized and length-prefixed in their order."""
    return hashlib.blake2b(serialized_events, digest_size=_ID_BYTES).digest()


class BlockWriter:
    """Makes blocks of admitted events. Not to be shared between threads."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)

    def write(self, admitted: AdmittedEvents, sent: Sequence[bytes], request: bytes) -> Iterator[tuple[Block, range]]:
        """Yield each block with the positions in `admitted` that it holds.

        `sent` are all events of the request, serialized; `request` is their name where any was sent without an id, and
        empty otherwise. A block's id is a hash of its events as sent, of that name and, where there is one, of their
        positions: the same request makes the same blocks, and equal events without ids in another make others.
        """
        positions = admitted.positions
        events = sent if len(positions) == len(sent) else [sent[position] for position in positions]
        for span in _spans(events):
            whole = len(span) == len(events)
            as_sent = events if whole else events[span.start : span.stop]
            rows = admitted.rows if whole else admitted.rows[span.start : span.stop]
            encoded = SerializedBlock(events=as_sent).SerializeToString()
            names = SerializedBlock(
                request=request, positions=[positions[place] for place in span] if request else ()
            ).SerializeToString()
            block_id = hashlib.blake2b(encoded + names, digest_size=_ID_BYTES).digest()
            if admitted.cleaned:
                kept = [admitted.cleaned.get(positions[place], events[place]) for place in span]
                encoded = SerializedBlock(events=kept).SerializeToString()
            platforms: dict[tuple[str, str, str], int] = {}
            context = SerializedBlock(
                hours=[row[4] for row in rows],
                platform_indexes=[platforms.setdefault(row[5], len(platforms)) for row in rows],
            )
            context.platforms.extend(
                Platform(browser=browser, os=os, device=device) for browser, os, device in platforms
            )
            # Protobuf messages put one after the other are one message with the fields of both.
            payload = self._compressor.compress(encoded + names + context.SerializeToString())
            yield Block(admitted.partition, block_id, rows, payload, admitted.expire_time_s), span


def _spans(events: Sequence[bytes]) -> Iterator[range]:
    """Cut events into runs of at most MAX_BLOCK_EVENTS and MAX_BLOCK_BYTES, but of one event at least."""
    start = size = 0
    for place, event in enumerate(events):
        if place > start and (place - start >= MAX_BLOCK_EVENTS or size + len(event) > MAX_BLOCK_BYTES):
            yield range(start, place)
            start, size = place, 0
        size += len(event)
    if start < len(events):
        yield range(start, len(events))
