"""Zones: the awkward days of the world's clocks."""

import datetime
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmanager.zones import Moment, UnknownZoneError, Zone

AWKWARD_ZONES = (
    "UTC",
    "Europe/Vienna",
    "America/St_Johns",  # Half-hour offset; went back over midnight until 2011.
    "Australia/Lord_Howe",  # Moves by half an hour.
    "America/Sao_Paulo",  # Had days without a midnight until 2018.
    "Pacific/Apia",  # Skipped 2011-12-30.
    "Africa/El_Aaiun",  # Moves four times a year.
    "Asia/Kathmandu",
)


def seconds_at(*parts: int) -> int:
    """Return an instant that is given in UTC."""
    return int(datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp())  # type: ignore[misc,arg-type]  # Year to second.


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends", "hours"),
    [
        ("UTC", date(2026, 6, 17), (2026, 6, 17), (2026, 6, 18), 24),
        ("Europe/Vienna", date(2026, 3, 29), (2026, 3, 28, 23), (2026, 3, 29, 22), 23),
        ("Europe/Vienna", date(2026, 10, 25), (2026, 10, 24, 22), (2026, 10, 25, 23), 25),
        # Half-hour changes: the last hour of a day is cut short.
        ("Australia/Lord_Howe", date(2026, 4, 5), (2026, 4, 4, 13), (2026, 4, 5, 13, 30), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), (2026, 10, 3, 13, 30), (2026, 10, 4, 13), 24),
        # No midnight: the day begins at one o'clock.
        ("America/Sao_Paulo", date(2018, 11, 4), (2018, 11, 4, 3), (2018, 11, 5, 2), 23),
        ("Pacific/Apia", date(2011, 12, 30), (2011, 12, 30, 10), (2011, 12, 30, 10), 0),
        # One minute past midnight the clock went back to 23:01 of the day before.
        ("America/St_Johns", date(2010, 11, 6), (2010, 11, 6, 2, 30), (2010, 11, 7, 3, 30), 25),
        ("America/St_Johns", date(2010, 11, 7), (2010, 11, 7, 2, 30), (2010, 11, 8, 3, 30), 25),
    ],
)
def test_a_day_begins_and_ends_as_its_clocks_say(
    zone: str, day: date, begins: tuple[int, ...], ends: tuple[int, ...], hours: int
) -> None:
    """A day has 23 to 25 hours, begins after a midnight that is skipped, and has none where it is skipped itself."""
    placed = Zone(zone)

    assert seconds_at(*begins) == placed.first_instant(day)
    assert seconds_at(*ends) == placed.end_instant(day)
    assert hours == placed.hours_of(day)


def test_a_clock_that_goes_back_over_midnight_returns_to_the_day_before() -> None:
    """In St John's, 2010-11-07 had one minute before 2010-11-06 went on for another hour."""
    zone = Zone("America/St_Johns")
    first_minute = seconds_at(2010, 11, 7, 2, 30) // 60

    assert Moment(date(2010, 11, 6), 23) == zone.moment(first_minute - 1)
    assert Moment(date(2010, 11, 7), 0) == zone.moment(first_minute)
    assert Moment(date(2010, 11, 6), 24) == zone.moment(first_minute + 1)
    assert Moment(date(2010, 11, 7), 1) == zone.moment(first_minute + 60)


@given(
    st.sampled_from(AWKWARD_ZONES),
    st.integers(seconds_at(2000, 1, 1) // 60, seconds_at(2038, 1, 1) // 60),
)
def test_every_minute_lies_in_its_day(zone_name: str, minute: int) -> None:
    """A minute's date is the one on the local clock, and its hour counts from the day's first instant."""
    zone = Zone(zone_name)
    moment = zone.moment(minute)
    first = zone.first_instant(moment.date)

    assert moment.date == zone.date_of(minute * 60)
    assert first <= minute * 60 < zone.end_instant(moment.date)
    assert first + moment.hour * 3600 <= minute * 60 < first + (moment.hour + 1) * 3600
    assert 0 <= moment.hour < zone.hours_of(moment.date)


@pytest.mark.parametrize("zone_name", AWKWARD_ZONES)
@pytest.mark.parametrize("year", [2010, 2011, 2018, 2026])
def test_days_follow_each_other(zone_name: str, year: int) -> None:
    """A day begins the moment the day before ends, but where a clock goes back over midnight: then before."""
    zone = Zone(zone_name)
    day = date(year, 1, 1)
    while day.year == year:
        next_day = day + datetime.timedelta(days=1)

        assert zone.first_instant(day) <= zone.end_instant(day)
        assert 0 <= zone.end_instant(day) - zone.first_instant(next_day) <= 3600
        assert zone.hours_of(day) == 0 or zone.date_of(zone.first_instant(day)) == day
        day = next_day


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../UTC", "/etc/passwd", "Europe", "zone.tab", "a\0b", "ü" * 300])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """Only names of the IANA database make a zone."""
    with pytest.raises(UnknownZoneError):
        Zone(name)
