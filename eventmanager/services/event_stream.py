"""One StreamEvents call: reads on while answers are awaited, within a bound, and answers in order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
from live.eventmanager.v1.ingest_service_pb2 import StreamEventsResponse

from eventmanager.errors import ShuttingDownError
from eventmanager.pending_requests import PendingRequest
from eventmanager.services.statuses import Context, MessageError

MOST_UNANSWERED_MESSAGES: Final = 64
"""Most messages of one stream on their way to the store. Beyond it the stream is not read on, and HTTP/2 slows its
sender down.
"""

_Step: TypeAlias = "PendingRequest | Exception | None"
"""What comes next in the order of answers: a message's outcome, the cause that ends the stream, or its end."""


class OpenStreams:
    """The streams that are open, so that a server that stops can end them."""

    def __init__(self) -> None:
        self._streams: set[EventStream] = set()
        self._closed = False
        self._none = asyncio.Event()
        self._none.set()

    @property
    def is_any_open(self) -> bool:
        """Whether a stream is open."""
        return bool(self._streams)

    def enter(self, stream: "EventStream") -> None:
        """Note a stream as open. Raises ShuttingDownError once they are being ended."""
        if self._closed:
            raise ShuttingDownError
        self._streams.add(stream)
        self._none.clear()

    def leave(self, stream: "EventStream") -> None:
        """Note a stream as ended."""
        self._streams.discard(stream)
        if not self._streams:
            self._none.set()

    def end_all(self) -> None:
        """Have every stream answer what it has read, and end."""
        self._closed = True
        for stream in self._streams:
            stream.end(ShuttingDownError())

    async def wait_for_none(self) -> None:
        """Return once no stream is open."""
        await self._none.wait()


class EventStream:
    """One call of StreamEvents."""

    def __init__(self, context: Context, begin: Callable[[bytes], Awaitable[PendingRequest]]) -> None:
        """Hand every message to `begin`, whose outcomes are awaited in order."""
        self._context = context
        self._begin = begin
        self._steps: asyncio.Queue[_Step] = asyncio.Queue()
        self._may_read = asyncio.Semaphore(MOST_UNANSWERED_MESSAGES)
        self._is_ending = False

    async def run(self, open_streams: OpenStreams) -> None:
        """Answer until the sender ends the stream. Raises what ended it otherwise, once all before it is answered."""
        open_streams.enter(self)
        reader = asyncio.create_task(self._read())
        try:
            await self._answer()
        finally:
            open_streams.leave(self)
            reader.cancel()

    def end(self, cause: Exception) -> None:
        """Read no more, and end the stream with a cause once all that was read is answered."""
        if not self._is_ending:
            self._is_ending = True
            self._steps.put_nowait(cause)

    async def _read(self) -> None:
        number = 0
        try:
            while not self._is_ending:
                await self._may_read.acquire()
                encoded: Any = await self._context.read()
                if encoded is grpc.aio.EOF:
                    self._is_ending = True
                    self._steps.put_nowait(None)
                    return
                if self._is_ending:  # Not taken, not answered: the sender sends it again.
                    return
                self._steps.put_nowait(await self._begin(encoded))
                number += 1
        except Exception as error:  # noqa: BLE001 - ends the stream, in its turn.
            self.end(MessageError(number, error))

    async def _answer(self) -> None:
        number = 0
        while (step := await self._steps.get()) is not None:
            if isinstance(step, Exception):
                raise step
            try:
                outcome = await step.outcome()
            except Exception as error:
                raise MessageError(number, error) from error
            await self._context.write(StreamEventsResponse(outcome=outcome))
            self._may_read.release()
            number += 1
