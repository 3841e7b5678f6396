"""The way of one request: prepared, handed to the committer, answered for."""

import asyncio
from collections.abc import Callable
from typing import Final

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.apps import App
from eventmanager.committer import Committer
from eventmanager.errors import InvalidRequestError, OverloadedError, ShuttingDownError
from eventmanager.memory import Memory
from eventmanager.pending_requests import PendingRequest, RequestBeingPrepared, SmallRequest, SubmittedRequest
from eventmanager.preparation.beside import PreparingBeside
from eventmanager.preparation.preparer import PreparedRequest, Preparer

_TOGETHER_BYTES: Final = 64 << 10
"""Small requests are prepared one right after the other, when a commit begins or there are as many, some 3 ms. One by
itself takes five times as long: gRPC, the event loop and the system have had the processor's caches since the last.
"""


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
        self._small: list[SmallRequest] = []
        self._small_bytes = 0
        self._is_closing = False

    @property
    def is_busy(self) -> bool:
        """Whether some request is not yet answered."""
        return bool(self._preparing or self._small or self._committer.events_in_hand)

    def require_room(self) -> None:
        """Raise OverloadedError where too much waits to be stored."""
        if self._committer.is_full or (self._beside is not None and self._beside.is_full):
            raise OverloadedError(self._committer.events_in_hand)

    async def wait_for_room(self) -> None:
        """Return once less waits than is allowed."""
        await self._committer.wait_for_room()
        while self._beside is not None and self._beside.is_full:
            await self._beside.wait_for_room()
            await self._committer.wait_for_room()

    def begin(self, app: App, encoded: bytes, *, resent: bool, after: PendingRequest | None = None) -> PendingRequest:
        """Prepare an encoded request and hand its good events to the committer, not before those of another.

        Raises OverloadedError and ShuttingDownError. What is wrong with the request itself is told by its outcome, and
        nothing was taken then.
        """
        if self._is_closing:
            raise ShuttingDownError
        beside = self._beside
        if beside is not None and beside.takes(encoded):
            if isinstance(after, SmallRequest):
                self._prepare_small()
                if after.error is not None:  # It ends the stream.
                    raise after.error
            prepared = beside.prepare(app, encoded, self._now())
        elif isinstance(after, RequestBeingPrepared) and not after.submitted.done():
            prepared = self._prepared_here(app, encoded)
        else:
            before = after if isinstance(after, SmallRequest) else None
            return self._prepare_soon(SmallRequest(app, encoded, self._now(), resent=resent, after=before))
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
        self._prepare_small()
        if self._preparing:
            await asyncio.wait(self._preparing)
        await self._committer.close()
        if self._beside is not None:
            await self._beside.close()

    def _prepare_soon(self, small: SmallRequest) -> SmallRequest:
        self._committer.expect(self._prepare_small)
        self._small.append(small)
        self._small_bytes += len(small.encoded)
        if self._small_bytes >= _TOGETHER_BYTES:
            self._prepare_small()
        return small

    def _prepared_here(self, app: App, encoded: bytes) -> "asyncio.Future[PreparedRequest]":
        prepared: asyncio.Future[PreparedRequest] = asyncio.get_running_loop().create_future()
        try:
            prepared.set_result(self._preparer.prepare(app, encoded, self._now()))
        except InvalidRequestError as error:
            prepared.set_exception(error)
        return prepared

    def _prepare_small(self) -> None:
        """Prepare small requests that wait for it, and submit them."""
        some, self._small, self._small_bytes = self._small, [], 0
        for small in some:
            before = small.after
            if before is not None and before.error is not None:  # It ends the stream.
                small.fail(before.error)
                continue
            try:
                prepared = self._preparer.prepare(small.app, small.encoded, small.now_s)
                small.note_prepared(prepared)
                answers = self._committer.submit(prepared.blocks, resent=small.resent, answer=small.answer)
                small.note_submitted(answers)
            except Exception as error:  # noqa: BLE001 - for whoever waits for it.
                small.fail(error)

    def _submit(self, prepared: PreparedRequest, *, resent: bool) -> SubmittedRequest:
        answers = self._committer.submit(prepared.blocks, resent=resent)
        return SubmittedRequest(prepared, answers)

    async def _submit_later(
        self, preparing: "asyncio.Future[PreparedRequest]", after: PendingRequest | None, *, resent: bool
    ) -> SubmittedRequest:
        prepared = await preparing
        if isinstance(after, RequestBeingPrepared) and not after.submitted.done():
            await asyncio.wait((after.submitted,))
        await self._committer.wait_for_room()
        return self._submit(prepared, resent=resent)
