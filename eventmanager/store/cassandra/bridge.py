"""The way from the driver's thread to the event loop: one wake-up for all that finished meanwhile."""

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from cassandra.cluster import ResponseFuture, ResultSet, Session

from eventmanager.store.cassandra.faults import explain

Rows: TypeAlias = Sequence[tuple[Any, ...]]


class _Finished(NamedTuple):
    waiter: asyncio.Future[Rows]
    rows: Rows
    error: BaseException | None


class Bridge:
    """Executes statements, so many at a time: the driver itself would take any number. Belongs to one event loop."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop, profile: str, most_in_flight: int) -> None:
        """`profile` names the driver's execution profile; what is in flight counts until the driver says it ended."""
        self._session = session
        self._loop = loop
        self._profile = profile
        self._slots = asyncio.Semaphore(most_in_flight)
        self._finished: deque[_Finished] = deque()
        self._is_waking = False

    async def execute(self, statement: Any) -> Rows:
        """Execute a statement and return the first page of its rows. Raises StatementError.

        When cancelled, the statement goes on by itself.
        """
        return await self._result(await self._send(statement))

    async def pages(self, statement: Any) -> AsyncIterator[Rows]:
        """Execute a query and return its rows page by page, none of them empty. Raises StatementError."""
        paging_state: bytes | None = None
        while True:
            # Each page as a query of its own: the driver has a query's time count for all pages that it fetches of it.
            response = await self._send(statement, paging_state)
            rows = await self._result(response)
            if rows:
                yield rows
            if not response.has_more_pages:
                return
            paging_state = ResultSet(response, rows).paging_state

    async def _send(self, statement: Any, paging_state: bytes | None = None) -> ResponseFuture:
        await self._slots.acquire()
        try:
            return self._session.execute_async(statement, execution_profile=self._profile, paging_state=paging_state)
        except Exception as error:
            self._slots.release()
            raise explain(error) from error

    async def _result(self, response: ResponseFuture) -> Rows:
        waiter: asyncio.Future[Rows] = self._loop.create_future()
        # Weakly: it keeps what its callbacks are given, and would keep itself.
        arguments = (waiter, weakref.ref(response))
        response.add_callbacks(self._succeed, self._fail, callback_args=arguments, errback_args=arguments)
        return await waiter

    # The driver calls these two, most often from its own thread.

    def _succeed(self, rows: Rows | None, waiter: asyncio.Future[Rows], ended: "weakref.ref[ResponseFuture]") -> None:
        self._finish(_Finished(waiter, rows or (), None), ended)

    def _fail(self, error: BaseException, waiter: asyncio.Future[Rows], ended: "weakref.ref[ResponseFuture]") -> None:
        self._finish(_Finished(waiter, (), error), ended)

    def _finish(self, finished: _Finished, ended: "weakref.ref[ResponseFuture]") -> None:
        response = ended()
        if response is not None:
            # Its timer refers to the response, and would keep it and its statement until garbage is looked for.
            response._timer = None  # noqa: SLF001 - nothing public lets go of it.
        self._finished.append(finished)
        if not self._is_waking:
            self._is_waking = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # First, so that what finishes from here on asks for another wake-up.
        self._is_waking = False
        finished = self._finished
        while finished:
            waiter, rows, error = finished.popleft()
            self._slots.release()
            if waiter.done():
                continue  # Cancelled.
            if error is None:
                waiter.set_result(rows)
            else:
                waiter.set_exception(explain(error))
