"""What the demo shows while events come in, in no more lines than a small terminal has."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eventmanager.cli.tables.figures import bar, levels, number, percent, time_span
from eventmanager.cli.tables.visitors import events_of, local_time
from eventmanager.demo.play import Progress

_MOST_BUTTONS: Final = 3
_MOST_BROWSERS: Final = 2


def live_view(progress: Progress, events_a_second: float, answers: Mapping[str, Any]) -> RenderableType:
    """Show how far it is and the reports as they are now, by their names."""
    parts: list[RenderableType] = [_progress(progress, events_a_second)]
    if "traffic" in answers:
        parts += [Text(), _traffic(answers["traffic"])]
    if "conversion" in answers:
        parts += [Text(), _conversion(answers["conversion"])]
    if "button-actions" in answers and "platforms-browser" in answers:
        parts += [Text(), _buttons(answers["button-actions"]), Text(), _browsers(answers["platforms-browser"])]
    return Panel(Group(*parts), title="A day in a shop, as it is told over gRPC", padding=(0, 2))


def _progress(progress: Progress, events_a_second: float) -> Table:
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    told = f"{number(progress.stored)} of {number(progress.total)} events stored, {number(round(events_a_second))}/s"
    table.add_row(ProgressBar(total=progress.total, completed=progress.answered), told)
    return table


def _traffic(report: Any) -> Group:
    events = [events_of(row) for row in report.rows]
    first = next((at for at, count in enumerate(events) if count), 0)
    last = max((at for at, count in enumerate(events) if count), default=0)
    curve = "".join(column * 2 for column in levels(events[first : last + 1]))
    begin = local_time(report.rows[first].start_time, report.info.time_zone, with_hour=True)
    end = local_time(report.rows[last].start_time, report.info.time_zone, with_hour=True)
    heading = Text.assemble(("Events by hour", "bold"), (f"  {begin} – {end}", "dim"))
    return Group(heading, Text(curve, style="cyan"))


def _conversion(report: Any) -> Table:
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    total = number(report.rows[0].total_users) if report.rows else "0"
    table.add_row(Text(f"{total} visitors", style="bold"), "", "", "")
    for row in report.rows:
        table.add_row(row.stage_name, number(row.users), percent(row.rate), bar(row.rate, 1, "green"))
    return table


def _buttons(report: Any) -> Table:
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(ratio=1, no_wrap=True)
    for _ in range(4):
        table.add_column(justify="right", no_wrap=True)
    table.add_row(Text("Buttons hovered over", style="bold"), "clicked", "after", "left after", "by length")
    for row in report.rows[:_MOST_BUTTONS]:
        table.add_row(
            row.target,
            percent(row.hover_click.share),
            time_span(row.hover_click.elapsed_time.average),
            time_span(row.hover_leave.elapsed_time.average),
            Text(levels([band.click_share for band in row.bands], 1), style="green"),
        )
    return table


def _browsers(report: Any) -> Table:
    table = Table.grid(expand=True, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Text("Browsers", style="bold"), "", "")
    for row in report.rows[:_MOST_BROWSERS]:
        table.add_row(row.value, percent(row.share), bar(row.share, 1, "magenta"))
    return table
