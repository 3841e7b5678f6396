"""What becomes of a request before it is committed.

It depends on nothing but the request, its app and the time, so that any process may do it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError
from live.eventmanager.storage.v1.block_pb2 import LoggedEvents, SerializedEvents
from live.eventmanager.v1.ingest_service_pb2 import RefusedEvent

from eventmanager.apps import App
from eventmanager.blocks import Block
from eventmanager.errors import NO_REQUEST, InvalidRequestError
from eventmanager.preparation.block_writer import BlockWriter, name_request
from eventmanager.preparation.validation import Validator


class PreparedRequest(NamedTuple):
    """A request's good events as blocks, and its bad ones."""

    blocks: Sequence[Block]
    places: Sequence[Sequence[int]]
    """For each block its events' positions in the request."""
    refused: Sequence[RefusedEvent]


class Preparer:
    """Prepares requests. Not to be shared between threads."""

    def __init__(self, validator: Validator, max_events: int) -> None:
        self._validator = validator
        self._max_events = max_events
        self._writer = BlockWriter()

    def prepare(self, app: App, encoded: bytes, now_s: float) -> PreparedRequest:
        """Check the events of an encoded IngestEventsRequest or StreamEventsRequest, and make blocks of the good ones.

        Raises InvalidRequestError for none, for too many, and for bytes that are no request.
        """
        try:
            events = LoggedEvents.FromString(encoded).events
            sent = SerializedEvents.FromString(encoded)
        except DecodeError:
            raise InvalidRequestError("", NO_REQUEST) from None
        if not events:
            raise InvalidRequestError("events", "A request needs at least one event, and this one has none.")
        if len(events) > self._max_events:
            raise InvalidRequestError(
                "events", f"The request has {len(events):,} events, and at most {self._max_events:,} are taken at once."
            )
        sent.DiscardUnknownFields()  # All that is no event.
        names: list[bytes] = []

        def name() -> str:
            if not names:
                names.append(name_request(sent.SerializeToString()))
            return names[0].hex()

        admission = self._validator.admit(app, events, name, now_s)
        blocks: list[Block] = []
        places: list[Sequence[int]] = []
        for admitted in admission.admitted:
            for block, span in self._writer.write(admitted, sent, names[0] if names else b""):
                blocks.append(block)
                places.append(admitted.positions[span.start : span.stop])
        return PreparedRequest(blocks, places, admission.refused)
