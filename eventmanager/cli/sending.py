"""Turns lines into requests, sends them, and keeps account of what became of each line."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.cli.event_lines import LineError, read_event_line
from eventmanager.cli.line_source import LONGEST_LINE_BYTES, LineSource
from eventmanager.client import (
    EventSender,
    IngestLimits,
    InvalidRequestError,
    RequestTooLargeError,
    UnknownAppError,
)

if TYPE_CHECKING:
    from live.eventmanager.v1.event_pb2 import Event

MOST_REFUSALS_KEPT: Final = 20
_MOST_BATCH_BYTES: Final = 1024 * 1024
_BYTES_AROUND_AN_EVENT: Final = 8
"""At least what protobuf puts around a message in a list, and a request around the list."""
_MOST_APPS_AT_ONCE: Final = 100
_IDLE_S: Final = 0.3
"""How long events from a pipe wait for others."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not stored, and why."""

    line_number: int
    sentence: str


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    unanswered: int = 0
    first_refused: list[RefusedLine] = field(default_factory=list)

    def refuse(self, line_number: int, sentence: str) -> None:
        """Count a refused line, and remember why for the first few."""
        self.refused += 1
        if len(self.first_refused) < MOST_REFUSALS_KEPT:
            self.first_refused.append(RefusedLine(line_number, sentence))


class _Batch:
    """Events of one app that make up one request, and the lines they came from."""

    __slots__ = ("app", "events", "line_numbers", "size_bytes")

    def __init__(self, app: str) -> None:
        self.app = app
        self.events: list[Event] = []
        self.line_numbers: list[int] = []
        self.size_bytes = len(app.encode()) + _BYTES_AROUND_AN_EVENT


class LineSender:
    """Sends the events of lines, those of each app apart."""

    def __init__(self, sender: EventSender, app: str, limits: IngestLimits, batch_size: int, tally: Tally) -> None:
        self.tally = tally
        self._sender = sender
        self._app = app
        self._most_events = min(batch_size, limits.max_events)
        self._most_bytes = min(_MOST_BATCH_BYTES, limits.max_request_bytes)
        self._batches: dict[str, _Batch] = {}
        self._refused_apps: dict[str, str] = {}
        self._line_number = 0

    async def send_all(self, source: LineSource, *, is_endless: bool) -> None:
        """Send every line. Raises CallError where the server is away for too long, OSError where the file is.

        Of an endless source, events do not wait for others that may never come.
        """
        try:
            async with asyncio.TaskGroup() as answers:
                await self._take_all(source, answers, _IDLE_S if is_endless else None)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _take_all(self, source: LineSource, answers: asyncio.TaskGroup, idle_s: float | None) -> None:
        while True:
            try:
                async with asyncio.timeout(idle_s):
                    lines = await source.next_lines()
            except TimeoutError:
                await self._send_batches(answers)
                continue
            if lines is None:
                break
            for line in lines:
                await self._take(line, answers)
        await self._send_batches(answers)

    async def _take(self, line: bytes, answers: asyncio.TaskGroup) -> None:
        self._line_number += 1
        if not line.strip():
            return
        if len(line) > LONGEST_LINE_BYTES:
            self.tally.refuse(self._line_number, f"The line is longer than {LONGEST_LINE_BYTES:,} bytes.")
            return
        try:
            named_app, event = read_event_line(line)
        except LineError as error:
            self.tally.refuse(self._line_number, str(error))
            return
        app = named_app or self._app
        if app in self._refused_apps:
            self.tally.refuse(self._line_number, self._refused_apps[app])
            return
        size_bytes = event.ByteSize() + _BYTES_AROUND_AN_EVENT
        batch = self._batches.get(app)
        if batch and (len(batch.events) >= self._most_events or batch.size_bytes + size_bytes > self._most_bytes):
            await self._send(self._batches.pop(app), answers)
            batch = None
        if not batch:
            if len(self._batches) >= _MOST_APPS_AT_ONCE:
                await self._send_batches(answers)
            batch = self._batches[app] = _Batch(app)
        batch.events.append(event)
        batch.line_numbers.append(self._line_number)
        batch.size_bytes += size_bytes

    async def _send_batches(self, answers: asyncio.TaskGroup) -> None:
        batches = list(self._batches.values())
        self._batches.clear()
        for batch in batches:
            await self._send(batch, answers)

    async def _send(self, batch: _Batch, answers: asyncio.TaskGroup) -> None:
        self.tally.unanswered += len(batch.events)
        try:
            outcome = await self._sender.submit(batch.events, batch.app)
        except RequestTooLargeError as error:  # One event that is larger than the server takes.
            self._settle_refused(batch, str(error))
            return
        answers.create_task(self._settle(batch, outcome))

    async def _settle(self, batch: _Batch, answer: Awaitable[IngestOutcome]) -> None:
        try:
            outcome = await answer
        except (InvalidRequestError, UnknownAppError) as error:
            # One app's fault is not another's, and the next request would fare no better.
            self._refused_apps[batch.app] = str(error)
            self._settle_refused(batch, str(error))
            return
        self.tally.unanswered -= len(batch.events)
        self.tally.stored += outcome.stored_count
        self.tally.duplicate += len(outcome.duplicate_indexes)
        for refused in outcome.refused_events:
            self.tally.refuse(batch.line_numbers[refused.index], refused.description)

    def _settle_refused(self, batch: _Batch, sentence: str) -> None:
        self.tally.unanswered -= len(batch.events)
        for line_number in batch.line_numbers:
            self.tally.refuse(line_number, sentence)
