"""Requests on their way to the store, and what becomes of them."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.apps import App
from eventmanager.committer import BlockAnswer
from eventmanager.errors import StoreUnavailableError
from eventmanager.preparation.preparer import PreparedRequest
from eventmanager.store.protocol import BlockOutcome

_KNOWN_COUNTS: Final = 1_000
"""Numbers of events of which the usual outcome is kept: most senders have only a few."""


class SubmittedRequest:
    """A request whose blocks the committer has."""

    __slots__ = ("_answers", "_prepared")

    def __init__(self, prepared: PreparedRequest, answers: Sequence[asyncio.Future[BlockAnswer]]) -> None:
        """Expect an answer for each block."""
        self._prepared = prepared
        self._answers = answers

    async def outcome(self) -> IngestOutcome:
        """Return what became of every event. Raises StoreUnavailableError where any of them may not be durable."""
        return _outcome(self._prepared, [await answer for answer in self._answers])


class SmallRequest:
    """A request that waits to be prepared with others, and what comes of it."""

    __slots__ = ("_prepared", "_submitted", "after", "answer", "app", "encoded", "error", "now_s", "resent")

    def __init__(
        self, app: App, encoded: bytes, now_s: float, *, resent: bool, after: "SmallRequest | None" = None
    ) -> None:
        """`after` is the one before it in its stream."""
        self.app = app
        self.encoded = encoded
        self.now_s = now_s
        self.resent = resent
        self.after = after
        self.error: Exception | None = None
        """What was wrong with it, or with one before it in its stream."""
        self.answer: asyncio.Future[BlockAnswer] = asyncio.get_running_loop().create_future()
        """That for its block, where it is a single one: then who waits for it is woken only once."""
        self._prepared: PreparedRequest | None = None
        self._submitted: SubmittedRequest | None = None

    def note_prepared(self, prepared: PreparedRequest) -> None:
        """Note what it is made of, before anything of it is submitted."""
        self._prepared = prepared
        self.encoded = b""  # Its blocks have all that is wanted of it.

    def note_submitted(self, answers: Sequence[asyncio.Future[BlockAnswer]]) -> None:
        """Note that answers are to be expected for its blocks."""
        self.after = None  # Or a stream's would all refer to the ones before.
        if self._prepared is not None and len(answers) != 1:
            self._submitted = SubmittedRequest(self._prepared, answers)
            if not self.answer.done():
                self.answer.set_result(_NO_ANSWER)

    def fail(self, error: Exception) -> None:
        """Tell who waits for it, if anybody is still there, what went wrong."""
        self.after = None
        self.error = error
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # Of a stream that has ended nobody will ask.

    async def outcome(self) -> IngestOutcome:
        """As in SubmittedRequest. Raises also what Preparer.prepare and Committer.submit do."""
        answer = await self.answer
        if self._submitted is not None:
            return await self._submitted.outcome()
        if self._prepared is None:
            raise AssertionError("there is no answer before there is something to be answered")
        return _outcome(self._prepared, (answer,))


class RequestBeingPrepared:
    """A request that is prepared elsewhere."""

    __slots__ = ("submitted",)

    def __init__(self, submitted: "asyncio.Task[SubmittedRequest]") -> None:
        self.submitted = submitted
        # Whoever sent it may be gone by the time it fails. Then nobody asks why.
        submitted.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def outcome(self) -> IngestOutcome:
        """As in SmallRequest."""
        return await (await asyncio.shield(self.submitted)).outcome()


PendingRequest = SmallRequest | RequestBeingPrepared

_NO_ANSWER = BlockAnswer(BlockOutcome.STORED, ())


def _outcome(prepared: PreparedRequest, answers: Sequence[BlockAnswer]) -> IngestOutcome:
    stored = 0
    duplicates: list[int] = []
    for places, answer in zip(prepared.places, answers, strict=True):
        if answer.outcome is BlockOutcome.UNAVAILABLE:
            raise StoreUnavailableError("it could not store the events now")
        if answer.outcome is BlockOutcome.KNOWN:
            duplicates += places
        else:
            stored += len(places) - len(answer.copies)
            duplicates += [places[copy] for copy in answer.copies]
    if not duplicates and not prepared.refused:
        return _all_stored(stored)
    return IngestOutcome(stored_count=stored, duplicate_indexes=sorted(duplicates), refused_events=prepared.refused)


@lru_cache(_KNOWN_COUNTS)
def _all_stored(count: int) -> IngestOutcome:
    """Return the outcome that most requests of so many events have. It is not to be changed."""
    return IngestOutcome(stored_count=count)
