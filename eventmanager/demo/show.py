"""The demo from its start to its end: a server, the traffic, what is to be seen of it."""

import asyncio
import contextlib
import datetime
import signal
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import grpc
from live.eventmanager.v1.analytics_service_pb2 import DateRange
from rich.console import Console
from rich.live import Live

from eventmanager.cli.questions import Question, every_question
from eventmanager.client import connect
from eventmanager.config import Config
from eventmanager.demo.play import Progress, make_app, play
from eventmanager.demo.shop import APP
from eventmanager.demo.traffic import DAY_MS, draw_day
from eventmanager.demo.view import live_view
from eventmanager.server import Server, start

_REDRAWN_EVERY_S: Final = 0.25
_STOP_WITHIN_S: Final = 5.0
_LIVE: Final = ("traffic", "conversion", "button-actions", "platforms-browser")


async def show_demo(config: Config, event_count: int, seconds: float, seed: int, *, serve: bool) -> None:
    """Run the demo on a terminal or, shorter, into a pipe. Raises StartError and CallError."""
    console = Console()
    async with _running(config) as server:
        end_ms = time.time_ns() // 1_000_000
        events = await asyncio.to_thread(draw_day, end_ms, event_count, seed)
        dates = DateRange(start_date=_date_of(end_ms - DAY_MS), end_date=_date_of(end_ms))
        questions = every_question(APP, dates)
        progress = Progress(len(events))
        async with connect(server.address) as channel:
            await make_app(channel, server.address)
            playing = asyncio.create_task(play(server.address, events, seconds, progress))
            try:
                if console.is_terminal:
                    await _watch(playing, progress, channel, questions, console)
                await playing
            finally:
                playing.cancel()
            for question in questions:
                console.print(question.show(await question.ask(channel)))
        if serve:
            await _serve_on(server, console)


@contextlib.asynccontextmanager
async def _running(config: Config) -> AsyncIterator[Server]:
    server = await start(config)
    try:
        yield server
    finally:
        await server.stop(_STOP_WITHIN_S)


async def _watch(
    playing: asyncio.Task[None],
    progress: Progress,
    channel: grpc.aio.Channel,
    questions: Sequence[Question],
    console: Console,
) -> None:
    """Show how the reports change while events come in."""
    live_questions = [question for question in questions if question.name in _LIVE]
    answers: dict[str, Any] = {}
    start_s = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not playing.done():
            for question in live_questions:
                answers[question.name] = await question.ask(channel)
            events_a_second = progress.answered / (time.monotonic() - start_s)
            live.update(live_view(progress, events_a_second, answers), refresh=True)
            await asyncio.wait([playing], timeout=_REDRAWN_EVERY_S)


async def _serve_on(server: Server, console: Console) -> None:
    """Wait for SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    request = f'{{"app": "{APP}", "date_range": {{"start_date": "-1d"}}}}'
    method = "live.eventmanager.v1.AnalyticsService/QueryConversion"
    console.print(f"Serving on {server.address} until Ctrl-C. Try:", style="bold")
    console.print(f"  grpcurl -plaintext -d '{request}' {server.address} {method}", markup=False, soft_wrap=True)
    console.print(f"  eventmanager report all --target {server.address} --app {APP} --from -1d", soft_wrap=True)
    await stopped.wait()


def _date_of(time_ms: int) -> str:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).date().isoformat()
