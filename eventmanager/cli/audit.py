"""`eventmanager audit`: has days counted again from the log, and shows what was found."""

import asyncio
import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from google.protobuf import json_format
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest, AuditDaysResponse
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import DateRange, QueryStageUsersRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from eventmanager.cli.failures import connected
from eventmanager.cli.options import DEFAULT_TARGET, First, Json, Last, Target
from eventmanager.cli.tables.figures import number


def audit(
    app: Annotated[str, typer.Argument(metavar="APP", help="Id of the app, such as 007 or shop.")],
    first: First = "",
    last: Last = "",
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count days again from the event log, after which reports give those figures.

    Closed days are counted again by themselves. A day is audited until more events of it come in.

    [bold]Example[/bold]

      eventmanager audit shop --from -6d
    """
    asyncio.run(_audit(app, DateRange(start_date=first, end_date=last), target, as_json=as_json))


async def _audit(app: str, dates: DateRange, target: str, *, as_json: bool) -> None:
    days: list[AuditDaysResponse] = []
    async with connected(target) as channel:
        # Only the server can tell how many days there are in `-6d` to `today`.
        asked = QueryStageUsersRequest(app=app, date_range=dates)
        covered = (await AnalyticsServiceStub(channel).QueryStageUsers(asked)).info.date_range
        with _progress(covered) as (progress, task):
            progress.update(task, description=covered.start_date)
            async for day in AdminServiceStub(channel).AuditDays(AuditDaysRequest(app=app, date_range=covered)):
                days.append(day)
                progress.update(task, advance=1, description=day.date)
    if as_json:
        found = [json_format.MessageToDict(day, always_print_fields_with_no_presence=True) for day in days]
        print(json.dumps(found, indent=2))  # noqa: T201 - to be read by programs as it is.
    else:
        Console().print(_table(days))


@contextmanager
def _progress(dates: DateRange) -> Iterator[tuple[Progress, TaskID]]:
    """Show how many days are done, on stderr, while that is a terminal."""
    first, last = map(datetime.date.fromisoformat, (dates.start_date, dates.end_date))
    console = Console(stderr=True)
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress, progress.add_task("", total=(last - first).days + 1)


def _table(days: list[AuditDaysResponse]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Date", no_wrap=True)
    for heading in ("Events", "Copies", "Live figures that differed"):
        table.add_column(heading, justify="right")
    table.add_column("Audited")
    for day in days:
        counts = (day.events, day.duplicate_events, day.differing_figures)
        table.add_row(day.date, *map(number, counts), "yes" if day.audited else "no")
    return table
