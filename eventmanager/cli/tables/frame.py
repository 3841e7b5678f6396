"""What all tables of reports have in common: a title, the days, and a word about how far to trust them."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from live.eventmanager.v1.analytics_service_pb2 import ReportInfo
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eventmanager.cli.tables.figures import plain


class Column(NamedTuple):
    """A column's heading and how it takes up room."""

    heading: str
    kind: Literal["text", "figure", "bar"] = "text"


BAR: Final = Column("", "bar")
DATE: Final = Column("Date")
_NARROWEST_BAR: Final = 8


def figure(heading: str) -> Column:
    """Make a column of figures."""
    return Column(heading, "figure")


def framed(title: str, info: ReportInfo, columns: Sequence[Column], rows: Sequence[Sequence[RenderableType]]) -> Group:
    """Lay out a report as a table under its title. A column `Date` with one date only is left out."""
    heading = Text.assemble(plain(title), "  ", (_days(info), "dim"))
    heading.stylize("bold", 0, len(title))
    if columns[0] == DATE and len({row[0] for row in rows}) < 2:
        columns, rows = columns[1:], [row[1:] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True, show_edge=False)
    for column in columns:
        if column.kind == "figure":
            table.add_column(column.heading, justify="right", no_wrap=True)
        elif column.kind == "bar":
            table.add_column(column.heading, ratio=1, min_width=_NARROWEST_BAR)
        else:
            table.add_column(column.heading, overflow="fold")
    for row in rows:
        table.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
    return Group(heading, table if rows else Text("Nothing in these days.", style="dim"), "")


def _days(info: ReportInfo) -> str:
    first, last = info.date_range.start_date, info.date_range.end_date
    days = first if first == last else f"{first} to {last}"
    told = f"{days} ({info.time_zone})" if days else info.time_zone
    if info.audited:
        told += ", audited"
    return f"{told}, visitors estimated" if info.estimated else told
