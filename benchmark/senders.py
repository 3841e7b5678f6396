"""The sender processes of one run."""

import asyncio
import math
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from benchmark.errors import BenchmarkError, WrongFiguresError
from benchmark.expected import Expected
from benchmark.job import Job, Order, Ready, Sent

_LONGEST_LINE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Sending:
    """What came of sending all requests once, over all processes."""

    seconds: float
    cpu_s: float
    answered_ms: Sequence[float]
    """For each request, shortest first."""

    def percentile_ms(self, percent: float) -> float:
        """Return how long that many in a hundred requests wait at most."""
        return percentile(self.answered_ms, percent)


class Senders:
    """Processes that have serialized their requests, and wait for orders."""

    def __init__(self, processes: Sequence[Process], ready: Sequence[Ready]) -> None:
        self._processes = processes
        self.expected = sum((one.expected for one in ready), Expected())
        self.visitor = ready[0].visitor
        self.bytes_an_event = sum(one.bytes_an_event for one in ready) / len(ready)

    async def send(self, target: str, events_per_s: float = 0.0, *, first_round: int = 0, rounds: int = 1) -> Sending:
        """Have all send some rounds of their requests, beginning at the same time. Raises BenchmarkError where an event
        was not answered as stored.
        """
        order = Order(
            target=target,
            events_per_s=events_per_s / len(self._processes),
            first_round=first_round,
            rounds=rounds,
        )
        await asyncio.gather(*(_ask(process, order) for process in self._processes))
        answers = await asyncio.gather(*(_ask(process, "go") for process in self._processes))
        sent = [Sent(**answer) for answer in answers]
        for one in sent:
            if one.failure:
                raise BenchmarkError(one.failure)
        stored = sum(one.stored for one in sent)
        events = self.expected.events * rounds
        if stored != events:
            raise WrongFiguresError(f"{events:,} events were sent, and {stored:,} answered as stored.")
        return Sending(
            seconds=max(one.end_s for one in sent) - min(one.start_s for one in sent),
            cpu_s=sum(one.cpu_s for one in sent),
            answered_ms=sorted(answered_ms for one in sent for answered_ms in one.answered_ms),
        )


@asynccontextmanager
async def start_senders(jobs: Sequence[Job]) -> AsyncIterator[Senders]:
    """Start a process for each job; each is ended afterwards."""
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(_start()) for _ in jobs]
        answers = await asyncio.gather(*(_ask(process, job) for process, job in zip(processes, jobs, strict=True)))
        ready = [Ready(**{**answer, "expected": Expected(**answer["expected"])}) for answer in answers]
        yield Senders(processes, ready)


def percentile(ascending: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many in a hundred do not exceed (the nearest rank)."""
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]


@asynccontextmanager
async def _start() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmark.sender_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE_BYTES,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ask(process: Process, what: Any) -> dict[str, Any]:
    """Write a line, and return the line that comes back."""
    if process.stdin is None or process.stdout is None:
        raise BenchmarkError("A sender was started without pipes.")
    process.stdin.write(orjson.dumps(what) + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise BenchmarkError("A sender process ended early; what it said is above.")
    answer: dict[str, Any] = orjson.loads(line)
    return answer
