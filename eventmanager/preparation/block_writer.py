"""Makes blocks, the rows of the log, of a request's admitted events: which go together, and what a block is called."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from live.eventmanager.storage.v1.block_pb2 import SerializedBlock, SerializedEvents

from eventmanager.blocks import Block
from eventmanager.preparation.payload_writer import PayloadWriter
from eventmanager.preparation.validation import AdmittedEvents

MAX_BLOCK_EVENTS: Final = 2_000
MAX_BLOCK_BYTES: Final = 1 << 20
_ID_BYTES: Final = 16


def name_request(serialized_events: bytes) -> bytes:
    """Name a request by a 128-bit hash of all its events as sent, serialized and length-prefixed in their order."""
    return hashlib.sha256(serialized_events).digest()[:_ID_BYTES]


class BlockWriter:
    """Makes blocks of admitted events. Not to be shared between threads."""

    def __init__(self) -> None:
        self._payloads = PayloadWriter()

    def write(self, admitted: AdmittedEvents, sent: SerializedEvents, request: bytes) -> Iterator[tuple[Block, range]]:
        """Yield each block with the positions in `admitted` that it holds.

        `sent` are all events of the request and nothing else; `request` is their name where one came without an id,
        and empty otherwise. A block's id is a hash of its events as sent, of that name and, where there is one, of
        their positions: the same request makes the same blocks, and equal events without ids in another make others.
        """
        positions = admitted.positions
        serialized = sent.SerializeToString()
        for span in _spans(positions, sent, len(serialized)):
            is_request = len(span) == len(sent.events)
            rows = admitted.rows if len(span) == len(positions) else admitted.rows[span.start : span.stop]
            places = positions[span.start : span.stop]
            events: Sequence[bytes] = sent.events if is_request else [sent.events[place] for place in places]
            # A request whose events all go to one block is not put together anew.
            encoded = serialized if is_request else SerializedEvents(events=events).SerializeToString()
            block_id = hashlib.sha256(encoded)  # Processors have it built in: half of what BLAKE2b takes.
            if request:
                block_id.update(SerializedBlock(request=request, positions=places).SerializeToString())
            cleaned = admitted.cleaned
            if cleaned:
                events = [cleaned.get(place) or event for place, event in zip(places, events, strict=True)]
            payload = self._payloads.write(rows, events, request, places)
            yield (
                Block.of(admitted.partition, block_id.digest()[:_ID_BYTES], rows, payload, admitted.expire_time_s),
                span,
            )


def _spans(positions: Sequence[int], sent: SerializedEvents, sent_bytes: int) -> Iterator[range]:
    """Cut events into runs of at most MAX_BLOCK_EVENTS and MAX_BLOCK_BYTES, but of one event at least."""
    if len(positions) <= MAX_BLOCK_EVENTS and sent_bytes <= MAX_BLOCK_BYTES:
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
