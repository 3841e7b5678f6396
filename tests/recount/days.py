"""Days, hours and intervals of a time zone, found by looking at every minute."""

import datetime
from functools import cache
from zoneinfo import ZoneInfo

from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_MONTH,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    Interval,
)

Date = datetime.date
DAY = datetime.timedelta(days=1)


def date_of(time_s: int, time_zone: str) -> Date:
    """Return the date that a calendar on the wall shows at an instant."""
    return datetime.datetime.fromtimestamp(time_s, ZoneInfo(time_zone)).date()


@cache
def minutes_of(date: Date, time_zone: str) -> list[int]:
    """Return every minute of a date, as seconds since 1970; none where the zone skips it."""
    midnight = int(datetime.datetime.combine(date, datetime.time.min, datetime.UTC).timestamp())
    # No zone is further from UTC than 14 hours, and few days have more than 25.
    minutes = range(midnight - 15 * 3600, midnight + 39 * 3600, 60)
    return [time_s for time_s in minutes if date_of(time_s, time_zone) == date]


def first_instant(date: Date, time_zone: str) -> int:
    """Return when a date begins; a skipped one begins, and ends, with the next."""
    minutes = minutes_of(date, time_zone)
    return minutes[0] if minutes else first_instant(date + DAY, time_zone)


def hour_of(time_s: int, time_zone: str) -> int:
    """Count the full hours since the instant's day began."""
    return (time_s - first_instant(date_of(time_s, time_zone), time_zone)) // 3600


def hours_of(date: Date, time_zone: str) -> list[int]:
    """Return when each hour of a date begins; the last may be cut short."""
    minutes = minutes_of(date, time_zone)
    return list(range(minutes[0], minutes[-1] + 1, 3600)) if minutes else []


def dates_of(first: Date, last: Date) -> list[Date]:
    """Return every date of a range."""
    return [first + days * DAY for days in range((last - first).days + 1)]


def intervals_of(first: Date, last: Date, interval: Interval.ValueType) -> dict[Date, list[Date]]:
    """Return the dates of each interval in a range, by the interval's first calendar day, oldest first."""
    intervals: dict[Date, list[Date]] = {}
    for date in dates_of(first, last):
        begin = {
            INTERVAL_UNSPECIFIED: first,
            INTERVAL_DAY: date,
            INTERVAL_WEEK: date - date.weekday() * DAY,
            INTERVAL_MONTH: date.replace(day=1),
        }[interval]
        intervals.setdefault(begin, []).append(date)
    return intervals
