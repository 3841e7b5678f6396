"""Sends events over one long stream, and sends again whatever a break left unanswered."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import grpc
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.client.channel import connect
from eventmanager.client.errors import BrokenOffError, CallError, UnansweredError, error_of
from eventmanager.client.limits import IngestLimits, read_limits
from eventmanager.client.retries import Retries

_CLOSE_WITHIN_S: Final = 2.0


@dataclass(slots=True, eq=False)
class _Sent:
    """One request on its way. Its answer is done, too, once its caller has given it up."""

    request: StreamEventsRequest
    answer: asyncio.Future[IngestOutcome]
    tried: bool = False


class EventSender:
    """Sends events to one server and tells what became of each request.

    Use it in `async with`, from one event loop. Requests go out one behind the other without waiting for answers, at
    most `max_in_flight` at once. After a break it connects again and sends what has no answer, marked as resent, so
    that nothing counts twice. A request without an answer for `give_up_after_s` is given up: UnansweredError. With
    `sent_before` all requests are marked so from the first: another process may have sent them.
    """

    def __init__(  # noqa: PLR0913 - most are seldom given, and then by name.
        self,
        target: str,
        app: str = "",
        *,
        give_up_after_s: float = 60.0,
        max_in_flight: int = 16,
        limits: IngestLimits | None = None,
        sent_before: bool = False,
    ) -> None:
        self._sent_before = sent_before
        self._target = target
        self._app = app
        self._give_up_after_s = give_up_after_s
        self._room = asyncio.Semaphore(max_in_flight)
        self._limits = limits
        self._asking = asyncio.Lock()
        self._unanswered: deque[_Sent] = deque()
        self._unwritten: deque[_Sent] = deque()
        self._to_write: asyncio.Queue[_Sent | None] = asyncio.Queue()
        self._something_to_do = asyncio.Event()
        self._closing = False
        self._handed_on = 0
        self._answered = 0
        self._one_by_one = 0
        self._last_error: CallError | None = None

    async def __aenter__(self) -> Self:
        self._channel = connect(self._target)
        self._stub = IngestServiceStub(self._channel)
        self._runner = asyncio.create_task(self._run(), name="EventSender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._unanswered:
            await asyncio.wait([sent.answer for sent in self._unanswered])
        self._closing = True
        self._to_write.put_nowait(None)
        self._something_to_do.set()
        await asyncio.wait([self._runner], timeout=_CLOSE_WITHIN_S if kind is None else 0)
        self._runner.cancel()
        await asyncio.wait([self._runner])
        for sent in self._unanswered:
            sent.answer.cancel()
        await self._channel.close()

    async def send(self, events: Iterable[Event], app: str | None = None) -> IngestOutcome:
        """Send events as one request, and return what became of them. Raises CallError."""
        return await (await self.submit(events, app))

    async def submit(self, events: Iterable[Event], app: str | None = None) -> Awaitable[IngestOutcome]:
        """Put events on the way as one request once there is room, and return what becomes of them, to be awaited.

        Raises RequestTooLargeError where the server would not take so many; awaiting the outcome raises CallError.
        """
        request = StreamEventsRequest(app=self._app if app is None else app, events=events)
        (await self._known_limits()).check(request)
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        sent = _Sent(request, loop.create_future())
        patience = loop.call_later(self._give_up_after_s, self._give_up, sent)
        sent.answer.add_done_callback(lambda _: self._let_go(patience))
        self._unanswered.append(sent)
        self._unwritten.append(sent)
        self._hand_on()
        self._something_to_do.set()
        return sent.answer

    def _let_go(self, patience: asyncio.TimerHandle) -> None:
        patience.cancel()
        self._room.release()

    def _give_up(self, sent: _Sent) -> None:
        if not sent.answer.done():
            sent.answer.set_exception(UnansweredError(self._give_up_after_s, self._last_error))

    async def _known_limits(self) -> IngestLimits:
        async with self._asking:
            retries = Retries()
            end_s = asyncio.get_running_loop().time() + self._give_up_after_s
            while self._limits is None:
                try:
                    self._limits = await read_limits(self._target)
                except CallError as error:
                    if not retries.allow(error):
                        raise
                    delay_s = retries.delay_s(error)
                    if asyncio.get_running_loop().time() + delay_s > end_s:
                        raise UnansweredError(self._give_up_after_s, error) from None
                    await asyncio.sleep(delay_s)
            return self._limits

    async def _run(self) -> None:
        """Keep a stream while there is something to send; after a break wait as long as is right and begin again."""
        retries = Retries()
        while True:
            await self._something_to_do.wait()
            self._unanswered = deque(sent for sent in self._unanswered if not sent.answer.done())
            if not self._unanswered:
                if self._closing:
                    return
                self._something_to_do.clear()
                continue
            try:
                await self._stream(retries)
                error = CallError("The server ended the stream.")
            except grpc.aio.AioRpcError as failure:
                error = error_of(failure, self._target)
            self._last_error = error
            if not self._unanswered:
                continue
            if isinstance(error, BrokenOffError):
                # The server's own word is not lost when nothing is written while it comes.
                self._one_by_one = len(self._unanswered)
            if retries.allow(error):
                await asyncio.sleep(retries.delay_s(error))
            else:
                self._fail(error)

    async def _stream(self, retries: Retries) -> None:
        """Send what is unanswered, and what comes, over one stream until it ends."""
        self._to_write = asyncio.Queue()
        self._handed_on = self._answered = 0
        self._one_by_one = min(self._one_by_one, len(self._unanswered))
        self._unwritten = self._unanswered.copy()
        self._hand_on()
        call = self._stub.StreamEvents(self._requests(self._to_write))
        try:
            async for response in call:
                self._answered += 1
                retries.succeeded()
                self._one_by_one = max(0, self._one_by_one - 1)
                self._hand_on()
                sent = self._unanswered.popleft()
                if not sent.answer.done():
                    sent.answer.set_result(response.outcome)
        finally:
            call.cancel()
            # Where a call ended by itself, its reader of requests would wait on: `cancel` stops only calls under way.
            self._to_write.put_nowait(None)
            self._to_write = asyncio.Queue()

    async def _requests(self, to_write: asyncio.Queue[_Sent | None]) -> AsyncIterator[StreamEventsRequest]:
        while (sent := await to_write.get()) is not None:
            if sent.answer.done():  # Given up before its turn.
                self._unanswered.remove(sent)
                self._handed_on -= 1
                self._hand_on()
                continue
            sent.request.resent = sent.tried or self._sent_before
            sent.tried = True
            yield sent.request

    def _hand_on(self) -> None:
        """Let the stream write what is not written yet: all of it, or the next message where they go one by one."""
        while self._unwritten and (not self._one_by_one or self._handed_on == self._answered):
            self._to_write.put_nowait(self._unwritten.popleft())
            self._handed_on += 1

    def _fail(self, error: CallError) -> None:
        """Pass on an error that will not go away: to the request at fault if the server named it, else to all."""
        index = error.status.message_index if error.status else None
        # Messages answered in this stream have left the queue.
        named = [sent for at, sent in enumerate(self._unanswered, self._answered) if at == index]
        for sent in named or list(self._unanswered):
            self._unanswered.remove(sent)
            if not sent.answer.done():
                sent.answer.set_exception(error)
