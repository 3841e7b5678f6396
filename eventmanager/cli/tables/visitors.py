"""Reports about visitors and their traffic, as tables."""

import datetime
import zoneinfo
from itertools import dropwhile

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import (
    ListDeviceEventsResponse,
    QueryPlatformsResponse,
    QueryTrafficResponse,
    ReportInfo,
    Traffic,
)
from live.eventmanager.v1.event_pb2 import BtnAction, BtnTime, Click, Event, FunnelChange, UrlChange
from rich.console import Group

from eventmanager.cli.tables.figures import NOTHING, bar, number, percent, time_span
from eventmanager.cli.tables.frame import BAR, Column, figure, framed


def platforms(report: QueryPlatformsResponse, what: str) -> Group:
    """Show what visitors browse with: `what` names the dimension."""
    return framed(
        f"{what} of {number(report.total_users)} visitors",
        report.info,
        (Column(what), figure("Visitors"), figure("Share"), BAR),
        [(row.value, number(row.users), percent(row.share), bar(row.share, 1, "magenta")) for row in report.rows],
    )


def traffic(report: QueryTrafficResponse) -> Group:
    """Show the events of each interval, without the empty ones before the first and after the last."""
    rows = _without_empty_ends(list(report.rows))
    most = max((events_of(row) for row in rows), default=0)
    by_hours = not any(row.HasField("users") for row in rows)
    return framed(
        "Traffic",
        report.info,
        (
            Column("From"),
            figure("Clicks"),
            figure("Pages"),
            figure("Hovers"),
            figure("Stages"),
            *(() if by_hours else (figure("Visitors"),)),
            BAR,
        ),
        [
            (
                local_time(row.start_time, report.info.time_zone, with_hour=by_hours),
                number(row.clicks),
                number(row.url_changes),
                number(row.btn_times),
                number(row.funnel_changes),
                *(() if by_hours else (number(row.users),)),
                bar(events_of(row), most),
            )
            for row in rows
        ],
    )


def device_events(report: ListDeviceEventsResponse, device_id: str) -> Group:
    """Show what one visitor did."""
    return framed(
        f"Events of {device_id}",
        ReportInfo(time_zone="UTC"),
        (Column("Time"), Column("What"), Column("Where"), figure("After")),
        [_told(event) for event in report.events],
    )


def events_of(row: Traffic) -> int:
    """Return all events of an interval."""
    return row.clicks + row.url_changes + row.btn_times + row.funnel_changes


def local_time(instant: Timestamp, time_zone: str, *, with_hour: bool) -> str:
    """Write an instant as its app's clocks show it."""
    local = instant.ToDatetime(datetime.UTC).astimezone(zoneinfo.ZoneInfo(time_zone))
    return f"{local:%a %d %b %H:%M}" if with_hour else f"{local:%a %Y-%m-%d}"


def _without_empty_ends(rows: list[Traffic]) -> list[Traffic]:
    from_first = list(dropwhile(lambda row: not events_of(row), rows))
    return list(dropwhile(lambda row: not events_of(row), reversed(from_first)))[::-1]


def _told(event: Event) -> tuple[str, str, str, str]:
    time = f"{event.timestamp.ToDatetime():%Y-%m-%d %H:%M:%S}"
    kind = event.WhichOneof("type")
    part: Click | UrlChange | BtnTime | FunnelChange
    if kind == "click":
        what, where, part = "click", f"{event.click.target} on {event.click.current_url}", event.click
    elif kind == "url_change":
        what, where, part = "page", event.url_change.to_url, event.url_change
    elif kind == "btn_time":
        action = BtnAction.Name(event.btn_time.action).removeprefix("BTN_ACTION_").lower().replace("_", " ")
        what, where, part = action, event.btn_time.target, event.btn_time
    else:
        what, where, part = "stage", str(event.funnel_change.entered), event.funnel_change
    after = time_span(part.elapsed_time) if part.HasField("elapsed_time") else NOTHING
    return time, what, where, after
