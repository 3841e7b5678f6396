"""The way of one request: validated, made into blocks, handed to the committer, answered for."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from live.eventmanager.storage.v1.block_pb2 import SerializedEvents
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome, RefusedEvent

from eventmanager.apps import App
from eventmanager.block_writer import BlockWriter, name_request
from eventmanager.blocks import Block
from eventmanager.committer import BlockAnswer, Committer
from eventmanager.errors import InvalidRequestError, StoreUnavailableError
from eventmanager.memory import Memory
from eventmanager.store.protocol import BlockOutcome
from eventmanager.validation import Admission, Validator


class PendingOutcome:
    """A request on its way to the store."""

    __slots__ = ("_answers", "_places", "_refused")

    def __init__(
        self,
        places: Sequence[Sequence[int]],
        answers: Sequence[asyncio.Future[BlockAnswer]],
        refused: Sequence[RefusedEvent],
    ) -> None:
        """Expect an answer for each block; `places` are its events' positions in the request."""
        self._places = places
        self._answers = answers
        self._refused = refused

    async def outcome(self) -> IngestOutcome:
        """Return what became of every event. Raises StoreUnavailableError where any of them may not be durable."""
        outcome = IngestOutcome(refused_events=self._refused)
        is_unavailable = False
        stored = 0
        duplicates: list[int] = []
        for places, pending in zip(self._places, self._answers, strict=True):
            # Shielded: a caller who goes away must not take the answer from others who wait for the same block.
            answer = pending.result() if pending.done() else await asyncio.shield(pending)
            if answer.outcome is BlockOutcome.UNAVAILABLE:
                is_unavailable = True
            elif answer.outcome is BlockOutcome.KNOWN:
                duplicates += places
            else:
                stored += len(places) - len(answer.copies)
                duplicates += [places[copy] for copy in answer.copies]
        if is_unavailable:
            raise StoreUnavailableError("it could not store the events now")
        outcome.stored_count = stored
        outcome.duplicate_indexes.extend(sorted(duplicates))
        return outcome


class _Checked(NamedTuple):
    admission: Admission
    sent: Sequence[bytes]
    request: bytes
    """The request's name, where some event needed it for an id; else empty."""


class Ingestion:
    """Takes in the events of requests."""

    def __init__(
        self, committer: Committer, validator: Validator, memory: Memory, max_events: int, now: Callable[[], float]
    ) -> None:
        self._committer = committer
        self._validator = validator
        self._memory = memory
        self._max_events = max_events
        self._now = now
        self._writer = BlockWriter()

    def begin(self, app: App, events: Sequence[Event], encoded: bytes, *, resent: bool) -> PendingOutcome:
        """Check a request's events and hand the good ones to the committer.

        `encoded` is the request as it came. Raises InvalidRequestError for none or too many, and what Committer.submit
        raises; then nothing was taken.
        """
        checked = self._check(app, events, encoded)
        blocks: list[Block] = []
        places: list[Sequence[int]] = []
        for admitted in checked.admission.admitted:
            for block, span in self._writer.write(admitted, checked.sent, checked.request):
                blocks.append(block)
                places.append(admitted.positions[span.start : span.stop])
        return PendingOutcome(places, self._committer.submit(blocks, resent=resent), checked.admission.refused)

    def rehearse(self, app: App, events: Sequence[Event], encoded: bytes) -> IngestOutcome:
        """Return what would become of a request's events as far as this process can tell, and store nothing."""
        checked = self._check(app, events, encoded)
        outcome = IngestOutcome(refused_events=checked.admission.refused)
        for admitted in checked.admission.admitted:
            seen: set[tuple[str, str]] = set()
            for position, row in zip(admitted.positions, admitted.rows, strict=True):
                identity = (row[1], row[2])
                if identity in seen or self._memory.knows(admitted.partition, *identity):
                    outcome.duplicate_indexes.append(position)
                else:
                    outcome.stored_count += 1
                seen.add(identity)
        outcome.duplicate_indexes.sort()
        return outcome

    def _check(self, app: App, events: Sequence[Event], encoded: bytes) -> _Checked:
        if not events:
            raise InvalidRequestError("events", "A request needs at least one event, and this one has none.")
        if len(events) > self._max_events:
            raise InvalidRequestError(
                "events", f"The request has {len(events):,} events, and at most {self._max_events:,} are taken at once."
            )
        sent = list(SerializedEvents.FromString(encoded).events)
        names: list[bytes] = []

        @cache
        def name() -> str:
            names.append(name_request(SerializedEvents(events=sent).SerializeToString()))
            return names[0].hex()

        admission = self._validator.admit(app, events, name, self._now())
        return _Checked(admission, sent, names[0] if names else b"")
