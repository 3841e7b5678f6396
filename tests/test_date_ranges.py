"""Date ranges: the days that are asked for, and the intervals they fall into."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_HOUR,
    INTERVAL_MONTH,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    DateRange,
    Interval,
)

from eventmanager.date_ranges import (
    BY_DAYS,
    BY_HOURS_TOO,
    DateSpan,
    Period,
    check_interval,
    periods_of,
    span_of,
)
from eventmanager.errors import FieldViolation, InvalidRequestError

TODAY = date(2026, 6, 17)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("", "", TODAY, TODAY),
        ("today", "today", TODAY, TODAY),
        ("-6d", "", date(2026, 6, 11), TODAY),
        ("-0d", "", TODAY, TODAY),
        ("", "-1d", date(2026, 6, 16), date(2026, 6, 16)),
        ("2026-02-28", "2026-03-01", date(2026, 2, 28), date(2026, 3, 1)),
        ("", "2030-01-01", date(2030, 1, 1), date(2030, 1, 1)),
        ("-799d", "today", TODAY - 799 * DAY, TODAY),
        ("1970-01-01", "1970-01-02", date(1970, 1, 1), date(1970, 1, 2)),
    ],
)
def test_a_range_names_days(start: str, end: str, first: date, last: date) -> None:
    """Days are given as dates, as today, or as days before it; what is empty follows from the other."""
    assert DateSpan(first, last) == span_of(DateRange(start_date=start, end_date=end), TODAY)


@pytest.mark.parametrize(
    ("start", "end", "field", "description"),
    [
        ("2026-06-18", "", "start_date", "2026-06-18 comes after the last day, 2026-06-17."),
        ("", "2026-02-30", "end_date", "'2026-02-30' is no day of the calendar."),
        (
            "yesterday",
            "",
            "start_date",
            "'yesterday' is no day: write 2026-11-24, today, or days before today such as -6d.",
        ),
        ("-999999d", "", "start_date", "'-999999d' is no day of the calendar."),
        ("1969-12-31", "1970-01-01", "start_date", "'1969-12-31' lies outside the years 1970 to 9998."),
        ("", "9999-12-31", "end_date", "'9999-12-31' lies outside the years 1970 to 9998."),
        (
            "-800d",
            "",
            "start_date",
            "From 2024-04-08 to 2026-06-17 there are 801 days, and at most 800 can be.",
        ),
    ],
)
def test_a_range_that_cannot_be_is_refused(start: str, end: str, field: str, description: str) -> None:
    """A refusal names the field and says what is wrong with it."""
    with pytest.raises(InvalidRequestError) as refused:
        span_of(DateRange(start_date=start, end_date=end), TODAY)

    assert FieldViolation(f"date_range.{field}", description) == refused.value.violation


@pytest.mark.parametrize(
    "text",
    [
        "20260617",
        "2026-W25-3",
        "2026-6-17",
        " 2026-06-17",
        "2026-06-17T00:00",
        "0000-01-01",
        "+1d",
        "-d",
        "-1.5d",
        "1d",
        "-1234567d",
        "TODAY",
        "٢٠٢٦-06-17",
    ],
)
def test_other_forms_of_dates_are_refused(text: str) -> None:
    """Only the three forms of the contract are dates."""
    with pytest.raises(InvalidRequestError):
        span_of(DateRange(end_date=text), TODAY)


def test_hours_allow_fewer_days() -> None:
    """By hours, a range has at most the days it is told."""
    assert DateSpan(TODAY - 30 * DAY, TODAY) == span_of(DateRange(start_date="-30d"), TODAY, 31)

    with pytest.raises(InvalidRequestError, match="32 days, and at most 31"):
        span_of(DateRange(start_date="-31d"), TODAY, 31)


@pytest.mark.parametrize(
    ("interval", "allowed", "description"),
    [
        (INTERVAL_HOUR, BY_DAYS, "This report has no INTERVAL_HOUR; QueryTraffic has."),
        (17, BY_HOURS_TOO, "17 is no Interval."),
        (-1, BY_DAYS, "-1 is no Interval."),
    ],
)
def test_other_intervals_are_refused(
    interval: Interval.ValueType, allowed: frozenset[Interval.ValueType], description: str
) -> None:
    """An interval that a report does not have, or nobody knows, is named."""
    with pytest.raises(InvalidRequestError) as refused:
        check_interval(interval, allowed)

    assert FieldViolation("interval", description) == refused.value.violation


def test_weeks_begin_on_monday() -> None:
    """The first week may begin before the range; it counts only what lies inside."""
    span = DateSpan(date(2026, 6, 13), date(2026, 6, 23))

    assert [
        Period(date(2026, 6, 8), DateSpan(date(2026, 6, 13), date(2026, 6, 14))),
        Period(date(2026, 6, 15), DateSpan(date(2026, 6, 15), date(2026, 6, 21))),
        Period(date(2026, 6, 22), DateSpan(date(2026, 6, 22), date(2026, 6, 23))),
    ] == periods_of(span, INTERVAL_WEEK)


def test_months_begin_on_their_first_day() -> None:
    """The first month may begin before the range."""
    span = DateSpan(date(2025, 12, 31), date(2026, 1, 2))

    assert [
        Period(date(2025, 12, 1), DateSpan(date(2025, 12, 31), date(2025, 12, 31))),
        Period(date(2026, 1, 1), DateSpan(date(2026, 1, 1), date(2026, 1, 2))),
    ] == periods_of(span, INTERVAL_MONTH)


def test_the_whole_range_is_one_interval() -> None:
    """Without an interval there is one row for the range, from its first day on."""
    span = DateSpan(date(2026, 6, 13), date(2026, 6, 23))

    assert [Period(span.first, span)] == periods_of(span, INTERVAL_UNSPECIFIED)


@given(
    st.dates(date(1970, 1, 1), date(9990, 1, 1)),
    st.integers(0, 799),
    st.sampled_from(sorted(BY_HOURS_TOO)),
)
def test_intervals_cover_the_range(first: date, more_days: int, interval: Interval.ValueType) -> None:
    """Every day of the range lies in just one interval, and intervals follow each other."""
    span = DateSpan(first, first + more_days * DAY)
    periods = periods_of(span, interval)

    assert list(span.dates()) == [day for period in periods for day in period.span.dates()]
    assert sorted({period.start for period in periods}) == [period.start for period in periods]
    assert all(period.start <= period.span.first for period in periods)
    assert interval not in {INTERVAL_DAY, INTERVAL_HOUR} or len(periods) == more_days + 1
