"""Plays a day of traffic at a server, through the public API, at a steady pace."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import grpc
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, Stage
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome

from eventmanager.client import AppExistsError, EventSender, error_of
from eventmanager.demo.shop import APP, STAGES

_TICK_S = 0.05
_MOST_EVENTS_A_REQUEST = 1_000


@dataclass(slots=True)
class Progress:
    """How far the playing is."""

    total: int
    stored: int = 0
    duplicate: int = 0
    refused: int = 0

    @property
    def answered(self) -> int:
        """Events whose fate is known."""
        return self.stored + self.duplicate + self.refused


async def make_app(channel: grpc.aio.Channel, target: str) -> None:
    """Make the demo's app, unless it is there from a demo before. Raises CallError."""
    stages = [Stage(stage=stage.stage, name=stage.name) for stage in STAGES]
    app = App(app=APP, display_name="A shop with made-up visitors", time_zone="UTC", stages=stages)
    try:
        await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=app))
    except grpc.aio.AioRpcError as failure:
        error = error_of(failure, target)
        if not isinstance(error, AppExistsError):
            raise error from None


async def play(target: str, events: Sequence[Event], seconds: float, progress: Progress) -> None:
    """Send events in their order, spread evenly over some seconds, or as fast as they go. Raises CallError."""
    try:
        async with EventSender(target, APP) as sender, asyncio.TaskGroup() as answers:
            await _send_all(sender, answers, events, seconds, progress)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _send_all(
    sender: EventSender, answers: asyncio.TaskGroup, events: Sequence[Event], seconds: float, progress: Progress
) -> None:
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    sent = 0
    while sent < len(events):
        passed_s = loop.time() - start_s
        due = round(len(events) * min(1.0, passed_s / seconds)) if seconds > 0 else len(events)
        while sent < due:
            request = events[sent : min(due, sent + _MOST_EVENTS_A_REQUEST)]
            answers.create_task(_count(await sender.submit(request), progress))
            sent += len(request)
        await asyncio.sleep(_TICK_S)


async def _count(answer: Awaitable[IngestOutcome], progress: Progress) -> None:
    outcome = await answer
    progress.stored += outcome.stored_count
    progress.duplicate += len(outcome.duplicate_indexes)
    progress.refused += len(outcome.refused_events)
