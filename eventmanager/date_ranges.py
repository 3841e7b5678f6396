"""Days asked for: which ones a DateRange names, and the intervals they fall into."""

import datetime
import re
from collections.abc import Container, Iterator, Sequence
from typing import Final, NamedTuple

from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_HOUR,
    INTERVAL_MONTH,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    DateRange,
    Interval,
)

from eventmanager.errors import InvalidRequestError

MAX_DAYS: Final = 800
MAX_DAYS_BY_HOURS: Final = 31

BY_DAYS: Final = frozenset((INTERVAL_UNSPECIFIED, INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH))
"""The intervals of most reports."""
BY_HOURS_TOO: Final = BY_DAYS | {INTERVAL_HOUR}

_DAY: Final = datetime.timedelta(days=1)
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS_BEFORE: Final = re.compile(r"-([0-9]{1,6})d")
# Far beyond any event, and far enough from the ends of Python's calendar to reckon with weeks and zones.
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998


class DateSpan(NamedTuple):
    """Some whole days, first and last included."""

    first: datetime.date
    last: datetime.date

    def dates(self) -> Iterator[datetime.date]:
        """Go through the days, oldest first."""
        return (self.first + days * _DAY for days in range((self.last - self.first).days + 1))

    def as_range(self) -> DateRange:
        """Return the days as a message, as dates."""
        return DateRange(start_date=self.first.isoformat(), end_date=self.last.isoformat())


class Period(NamedTuple):
    """One interval of a report: its first calendar day, and the days of it that lie inside the range."""

    start: datetime.date
    span: DateSpan


def span_of(date_range: DateRange, today: datetime.date, max_days: int = MAX_DAYS) -> DateSpan:
    """Return the days that a range names. Raises InvalidRequestError; `today` is the app's."""
    last = _date_of(date_range.end_date, "date_range.end_date", today, default=today)
    first = _date_of(date_range.start_date, "date_range.start_date", today, default=last)
    if first > last:
        raise InvalidRequestError("date_range.start_date", f"{first} comes after the last day, {last}.")
    days = (last - first).days + 1
    if days > max_days:
        raise InvalidRequestError(
            "date_range.start_date", f"From {first} to {last} there are {days:,} days, and at most {max_days} can be."
        )
    return DateSpan(first, last)


def check_interval(interval: Interval.ValueType, allowed: Container[Interval.ValueType]) -> None:
    """Raise InvalidRequestError where a report has no such interval."""
    if interval not in Interval.values():
        raise InvalidRequestError("interval", f"{interval} is no Interval.")
    if interval not in allowed:
        raise InvalidRequestError("interval", f"This report has no {Interval.Name(interval)}; QueryTraffic has.")


def periods_of(span: DateSpan, interval: Interval.ValueType) -> Sequence[Period]:
    """Split days into intervals, oldest first: whole, or by days, weeks or months. For hours they are days."""
    if interval == INTERVAL_UNSPECIFIED:
        return [Period(span.first, span)]
    periods: list[Period] = []
    for date in span.dates():
        start = _start_of(date, interval)
        if periods and periods[-1].start == start:
            periods[-1] = Period(start, DateSpan(periods[-1].span.first, date))
        else:
            periods.append(Period(start, DateSpan(date, date)))
    return periods


def _start_of(date: datetime.date, interval: Interval.ValueType) -> datetime.date:
    if interval == INTERVAL_WEEK:
        return date - date.weekday() * _DAY
    if interval == INTERVAL_MONTH:
        return date.replace(day=1)
    return date


def _date_of(text: str, field: str, today: datetime.date, *, default: datetime.date) -> datetime.date:
    if not text:
        return default
    if text == "today":
        return today
    try:
        if before := _DAYS_BEFORE.fullmatch(text):
            date = today - int(before[1]) * _DAY
        elif _ISO_DATE.fullmatch(text):
            date = datetime.date.fromisoformat(text)
        else:
            raise InvalidRequestError(
                field, f"{text!r} is no day: write 2026-11-24, today, or days before today such as -6d."
            )
    except (ValueError, OverflowError):
        raise InvalidRequestError(field, f"{text!r} is no day of the calendar.") from None
    if not _FIRST_YEAR <= date.year <= _LAST_YEAR:
        raise InvalidRequestError(field, f"{text!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}.")
    return date
