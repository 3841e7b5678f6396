"""The way of one request: prepared, handed to the committer, answered for."""

import asyncio
from collections.abc import Callable, Sequence

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome, RefusedEvent

from eventmanager.apps import App
from eventmanager.committer import BlockAnswer, Committer
from eventmanager.errors import OverloadedError, ShuttingDownError, StoreUnavailableError
from eventmanager.memory import Memory
from eventmanager.preparation.beside import PreparingBeside
from eventmanager.preparation.preparer import PreparedRequest, Preparer
from eventmanager.store.protocol import BlockOutcome


class SubmittedRequest:
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
            answer = await pending
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


class RequestBeingPrepared:
    """A request that has not yet come to the committer."""

    __slots__ = ("submitted",)

    def __init__(self, submitted: "asyncio.Task[SubmittedRequest]") -> None:
        self.submitted = submitted
        # Whoever sent it may be gone by the time it fails. Then nobody asks why.
        submitted.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def outcome(self) -> IngestOutcome:
        """As in SubmittedRequest. Raises also what `Ingestion.begin` does."""
        return await (await asyncio.shield(self.submitted)).outcome()


PendingRequest = SubmittedRequest | RequestBeingPrepared


class Ingestion:
    """Takes in requests."""

    def __init__(
        self,
        committer: Committer,
        preparer: Preparer,
        beside: PreparingBeside | None,
        memory: Memory,
        now: Callable[[], float],
    ) -> None:
        """Prepare all requests here where nothing is `beside`."""
        self._committer = committer
        self._preparer = preparer
        self._beside = beside
        self._memory = memory
        self._now = now
        self._preparing: set[asyncio.Task[SubmittedRequest]] = set()
        self._is_closing = False

    @property
    def is_busy(self) -> bool:
        """Whether some request is not yet answered."""
        return bool(self._preparing or self._committer.events_in_hand)

    def require_room(self) -> None:
        """Raise OverloadedError where too much waits to be stored."""
        if self._committer.is_full or (self._beside is not None and self._beside.is_full):
            raise OverloadedError(self._committer.events_in_hand)

    async def wait_for_room(self) -> None:
        """Return once less waits than is allowed."""
        await self._committer.wait_for_room()
        if self._beside is not None:
            await self._beside.wait_for_room()

    def begin(self, app: App, encoded: bytes, *, resent: bool, after: PendingRequest | None = None) -> PendingRequest:
        """Prepare an encoded request and hand its good events to the committer, not before those of another.

        Raises InvalidRequestError as Preparer.prepare does, and what Committer.submit raises; then nothing was taken.
        """
        if self._is_closing:
            raise ShuttingDownError
        beside = self._beside
        if beside is not None and beside.takes(encoded):
            prepared = beside.prepare(app, encoded, self._now())
        elif isinstance(after, RequestBeingPrepared) and not after.submitted.done():
            prepared = asyncio.get_running_loop().create_future()
            prepared.set_result(self._preparer.prepare(app, encoded, self._now()))
        else:
            return self._submit(self._preparer.prepare(app, encoded, self._now()), resent=resent)
        submitted = asyncio.get_running_loop().create_task(self._submit_later(prepared, after, resent=resent))
        self._preparing.add(submitted)
        submitted.add_done_callback(self._preparing.discard)
        return RequestBeingPrepared(submitted)

    def rehearse(self, app: App, encoded: bytes) -> IngestOutcome:
        """Return what would become of a request's events as far as this process can tell, and store nothing."""
        prepared = self._preparer.prepare(app, encoded, self._now())
        outcome = IngestOutcome(refused_events=prepared.refused)
        for block, places in zip(prepared.blocks, prepared.places, strict=True):
            seen: set[str] = set()
            for position, identity, is_known in zip(places, block.identities(), self._memory.known(block), strict=True):
                if is_known or identity in seen:
                    outcome.duplicate_indexes.append(position)
                else:
                    outcome.stored_count += 1
                seen.add(identity)
        outcome.duplicate_indexes.sort()
        return outcome

    async def close(self) -> None:
        """Hand to the committer what is being prepared; have it take nothing more, and return once all is answered."""
        self._is_closing = True
        if self._preparing:
            await asyncio.wait(self._preparing)
        await self._committer.close()
        if self._beside is not None:
            await self._beside.close()

    def _submit(self, prepared: PreparedRequest, *, resent: bool) -> SubmittedRequest:
        answers = self._committer.submit(prepared.blocks, resent=resent)
        return SubmittedRequest(prepared.places, answers, prepared.refused)

    async def _submit_later(
        self, preparing: "asyncio.Future[PreparedRequest]", after: PendingRequest | None, *, resent: bool
    ) -> SubmittedRequest:
        prepared = await preparing
        if isinstance(after, RequestBeingPrepared) and not after.submitted.done():
            await asyncio.wait((after.submitted,))
        await self._committer.wait_for_room()
        return self._submit(prepared, resent=resent)
