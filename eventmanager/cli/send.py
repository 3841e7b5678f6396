"""`eventmanager send`: events from a file or a pipe, to a server."""

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from eventmanager.cli.failures import FailedError, sentence_of
from eventmanager.cli.line_source import LineSource
from eventmanager.cli.options import DEFAULT_TARGET, Target
from eventmanager.cli.sending import LineSender, Tally
from eventmanager.cli.tables.figures import number, plain
from eventmanager.client import CallError, EventSender, read_limits
from eventmanager.config import parse_address

_REDRAWN_EVERY_S = 0.2


class _Way(NamedTuple):
    target: str
    give_up_after_s: float
    sent_before: bool


def send(
    file: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE|-", help="A file of JSON lines; - is stdin.")],
    app: Annotated[
        str,
        typer.Option(
            "--app",
            envvar="EVENTMANAGER_APP",
            metavar="APP",
            help="The app of the lines that name none by a key `app` of their own.",
        ),
    ],
    target: Target = DEFAULT_TARGET,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size", envvar="EVENTMANAGER_BATCH_SIZE", metavar="N", min=1, help="Events in one request."
        ),
    ] = 1_000,
    give_up_after_s: Annotated[
        float,
        typer.Option(
            "--give-up-after",
            envvar="EVENTMANAGER_GIVE_UP_AFTER",
            metavar="SECONDS",
            min=0.1,
            help="How long to try again while a request has no answer.",
        ),
    ] = 60.0,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            envvar="EVENTMANAGER_AGAIN",
            help="These lines were sent before, with the same --batch-size: the server looks first what it has.",
        ),
    ] = False,
) -> None:
    """Send events, one JSON object a line, and tell what became of them.

    A line is an event of the original format, with a [bold]type[/bold] from 0 to 3 or by name, a
    [bold]timestamp[/bold] in milliseconds since 1970 and an [bold]elapsed_time[/bold] in seconds, or a protobuf-JSON
    Event. A line that is none is refused by its number and the others go on. Ends with 1 if any line was refused.

    [bold]Examples[/bold]

      eventmanager send --app shop events.jsonl
      tail -F events.jsonl | eventmanager send --app shop -
    """
    parse_address("--target", target)
    tally = Tally()
    failure = ""
    try:
        asyncio.run(_send(file.fileno(), app, _Way(target, give_up_after_s, again), batch_size, tally))
    except CallError as error:
        failure = sentence_of(error)
    except OSError as error:
        failure = f"{file.name} cannot be read on: {error.strerror}."
    except KeyboardInterrupt:
        _print_summary(tally)
        raise
    if tally.stored or tally.duplicate or tally.refused or not failure:
        _print_summary(tally)
    if failure:
        raise FailedError(f"{failure}{_unanswered(tally)}")
    if tally.refused:
        raise typer.Exit(1)


async def _send(descriptor: int, app: str, way: _Way, batch_size: int, tally: Tally) -> None:
    limits = await read_limits(way.target)
    source = LineSource(descriptor)
    status = os.fstat(descriptor)
    is_file = stat.S_ISREG(status.st_mode)
    async with EventSender(
        way.target, limits=limits, give_up_after_s=way.give_up_after_s, sent_before=way.sent_before
    ) as sender:
        lines = LineSender(sender, app, limits, batch_size, tally)
        with _progress(source, tally, status.st_size if is_file else None):
            await lines.send_all(source, is_endless=not is_file)


@contextlib.contextmanager
def _progress(source: LineSource, tally: Tally, size_bytes: int | None) -> Iterator[None]:
    """Show how far it is, on stderr, while that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=size_bytes)

        async def redraw() -> None:
            while True:
                told = f"{number(tally.stored)} stored, {number(tally.refused)} refused"
                progress.update(task, completed=source.bytes_read, description=told)
                await asyncio.sleep(_REDRAWN_EVERY_S)

        redrawing = asyncio.create_task(redraw())
        try:
            yield
        finally:
            redrawing.cancel()


def _print_summary(tally: Tally) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for line in sorted(tally.first_refused, key=lambda line: line.line_number):
        console.print("line ", number(line.line_number), ": ", plain(line.sentence), sep="")
    if tally.refused > len(tally.first_refused):
        console.print(f"… and {number(tally.refused - len(tally.first_refused))} more lines refused")
    counts = f"{number(tally.stored)} stored, {number(tally.duplicate)} duplicate, {number(tally.refused)} refused"
    unanswered = f", {number(tally.unanswered)} unanswered" if tally.unanswered else ""
    console.print(f"{counts}{unanswered}", style="bold")


def _unanswered(tally: Tally) -> str:
    if not tally.unanswered:
        return ""
    return (
        f" {number(tally.unanswered)} events have no answer: they may be stored or not. "
        "Lines after theirs, if any, were not sent. Send the same file again with --again and the same --batch-size, "
        "and those that are stored count once."
    )
