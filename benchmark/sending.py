"""Sends serialized requests over one connection, and notes when each is answered."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import grpc
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsResponse, StreamEventsResponse

from benchmark.job import Method

_SERVICE: Final = "/live.eventmanager.v1.IngestService"
# Otherwise channels to one address share one connection.
_OPTIONS: Final = (("grpc.use_local_subchannel_pool", 1),)


class Pace(NamedTuple):
    """When a connection's requests are due: one every `interval_s`, beginning `delay_s` after the start."""

    delay_s: float
    interval_s: float

    def due_s(self, number: int, start_s: float) -> float:
        """Return when a request is due."""
        return start_s + self.delay_s + number * self.interval_s


class Load(NamedTuple):
    """What one connection is to send."""

    requests: Iterable[bytes]
    unanswered: int
    """Most requests that wait for an answer."""
    pace: Pace | None


class Answers:
    """What came of the requests so far."""

    def __init__(self) -> None:
        self.stored = 0
        self.answered_ms: list[float] = []

    def add(self, stored: int, sent_s: float) -> None:
        """Note an answer that has just come."""
        self.stored += stored
        self.answered_ms.append((time.monotonic() - sent_s) * 1_000)


@asynccontextmanager
async def connect(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a connection of its own."""
    async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
        await channel.channel_ready()
        yield channel


async def send(method: Method, channel: grpc.aio.Channel, load: Load, answers: Answers) -> None:
    """Send requests, and return once all are answered."""
    if method == "stream":
        await _stream(channel, load, answers)
        return
    unsent = enumerate(load.requests)
    start_s = time.monotonic()
    async with asyncio.TaskGroup() as callers:
        for _ in range(load.unanswered):
            callers.create_task(_call(channel, unsent, _Clock(start_s, load.pace), answers))


class _Clock(NamedTuple):
    """When the sending began, and its pace."""

    start_s: float
    pace: Pace | None

    async def wait(self, number: int) -> float | None:
        """Wait until a request is due, and return when that was; None where there is no pace."""
        if self.pace is None:
            return None
        due_s = self.pace.due_s(number, self.start_s)
        # Time flies on where the sender is late: then the request waits longer for its answer.
        await asyncio.sleep(max(0, due_s - time.monotonic()))
        return due_s


async def _stream(channel: grpc.aio.Channel, load: Load, answers: Answers) -> None:
    stream: Any = channel.stream_stream(
        f"{_SERVICE}/StreamEvents", response_deserializer=StreamEventsResponse.FromString
    )()
    may_send = asyncio.Semaphore(load.unanswered)
    sent_s: list[float] = []

    async def write() -> None:
        clock = _Clock(time.monotonic(), load.pace)
        for number, request in enumerate(load.requests):
            due_s = await clock.wait(number)
            await may_send.acquire()
            sent_s.append(due_s or time.monotonic())
            await stream.write(request)
        await stream.done_writing()

    writing = asyncio.create_task(write())
    try:
        number = 0
        while (response := await stream.read()) is not grpc.aio.EOF:
            answers.add(response.outcome.stored_count, sent_s[number])
            number += 1
            may_send.release()
        await writing
    finally:
        writing.cancel()


async def _call(
    channel: grpc.aio.Channel, unsent: Iterator[tuple[int, bytes]], clock: _Clock, answers: Answers
) -> None:
    ingest: Any = channel.unary_unary(f"{_SERVICE}/IngestEvents", response_deserializer=IngestEventsResponse.FromString)
    for number, request in unsent:
        due_s = await clock.wait(number)
        sent_s = due_s or time.monotonic()
        answers.add((await ingest(request)).outcome.stored_count, sent_s)
