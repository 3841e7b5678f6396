"""The reports about visitors and their events, counted naively."""

from collections.abc import Mapping

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_HOUR, PlatformShare, Traffic
from live.eventmanager.v1.event_pb2 import Event, Platform

from tests.recount.acknowledged import CountedEvent
from tests.recount.days import dates_of, first_instant, hours_of, intervals_of
from tests.recount.question import Question


def platforms(question: Question, part: str, user_agents: Mapping[str, Platform]) -> tuple[list[PlatformShare], int]:
    """Count the distinct visitors of each browser, os or device, and all of them.

    `user_agents` says what is known of each User-Agent that was sent.
    """
    told: dict[str, set[str]] = {}
    for counted in question.events():
        event = counted.event
        values = told.setdefault(event.device_id, set())
        values.add(getattr(event.platform, part) or getattr(user_agents[event.user_agent], part))
    values_of = {visitor: values - {""} or {"unknown"} for visitor, values in told.items()}
    rows = []
    for value in {value for values in values_of.values() for value in values}:
        users = len([visitor for visitor, values in values_of.items() if value in values])
        rows.append(PlatformShare(value=value, users=users, share=users / len(told)))
    return sorted(rows, key=lambda row: (-row.users, row.value)), len(told)


def traffic(question: Question) -> list[Traffic]:
    """Count events over time, and visitors but for hours."""
    time_zone = question.app.time_zone
    events = question.events()
    if question.interval == INTERVAL_HOUR:
        return [
            _traffic(start, [counted for counted in events if (counted.date, counted.hour) == (date, hour)])
            for date in dates_of(question.first, question.last)
            for hour, start in enumerate(hours_of(date, time_zone))
        ]
    rows = []
    for begin, dates in intervals_of(question.first, question.last, question.interval).items():
        inside = [counted for counted in events if counted.date in dates]
        row = _traffic(first_instant(begin, time_zone), inside)
        row.users = len({counted.event.device_id for counted in inside})
        rows.append(row)
    return rows


def device_events(question: Question, device_id: str) -> list[Event]:
    """List what one visitor did, oldest first, then by id."""
    events = [counted.event for counted in question.events() if counted.event.device_id == device_id]
    return sorted(events, key=lambda event: (event.timestamp.ToNanoseconds(), event.event_id))


def _traffic(start_s: int, events: list[CountedEvent]) -> Traffic:
    def count(kind: str) -> int:
        return len([counted for counted in events if counted.event.WhichOneof("type") == kind])

    return Traffic(
        start_time=Timestamp(seconds=start_s),
        clicks=count("click"),
        url_changes=count("url_change"),
        btn_times=count("btn_time"),
        funnel_changes=count("funnel_change"),
    )
