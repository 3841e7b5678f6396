"""Time zones: which day and hour of an app an instant belongs to, and when a day begins and ends."""

import datetime
import zoneinfo
from functools import lru_cache
from typing import NamedTuple

_DAY = datetime.timedelta(days=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SECONDS_PER_DAY = 86_400
_CACHED_MINUTES = 100_000  # Ten weeks of minutes, about 20 MB.


class UnknownZoneError(Exception):
    """There is no time zone of that name."""


class Moment(NamedTuple):
    """Where a minute lies in its zone: the local date, and full hours since that date's first instant."""

    date: datetime.date
    hour: int


class Zone:
    """One time zone's calendar. Instants are whole seconds since 1970."""

    def __init__(self, name: str) -> None:
        """Raise UnknownZoneError where the name is not of the IANA database."""
        try:
            self._zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise UnknownZoneError(name) from None
        self.name = name
        self.moments: dict[int, Moment] = {}
        """The minutes placed lately: to be read only, by those to whom a call is too slow."""
        # One object for each date, so that the hot path tells dates apart by identity.
        self._dates: dict[datetime.date, datetime.date] = {}

    def moment(self, minute: int) -> Moment:
        """Place a minute, counted since 1970. No zone has changed its offset inside a minute since the year 1972."""
        moment = self.moments.get(minute)
        if moment is None:
            if len(self.moments) >= _CACHED_MINUTES:
                self.moments.clear()
                self._dates.clear()
            time_s = minute * 60
            date = self.date_of(time_s)
            date = self._dates.setdefault(date, date)
            moment = Moment(date, (time_s - self.first_instant(date)) // 3600)
            self.moments[minute] = moment
        return moment

    def date_of(self, time_s: int) -> datetime.date:
        """Return the local date of an instant."""
        return self._local(time_s).date()

    @lru_cache(maxsize=4096)  # noqa: B019 - zones live as long as the process.
    def first_instant(self, date: datetime.date) -> int:
        """Return when a date begins: at its midnight or, where the clock skips that, at the first instant after.

        Of a date that the zone skips whole it is the instant at which it would have begun.
        """
        return min(self._midnights(date), default=self._skipped_to(date))

    @lru_cache(maxsize=4096)  # noqa: B019 - as above.
    def end_instant(self, date: datetime.date) -> int:
        """Return when a date is over for good: where the clock goes back over midnight, the next has begun before."""
        next_date = date + _DAY
        ends = [
            time_s
            for time_s in (self._utc(next_date, offset_s) for offset_s in self._offsets_around(next_date))
            if self.date_of(time_s - 1) == date
        ]
        return max(ends, default=self._skipped_to(next_date))

    def hours_of(self, date: datetime.date) -> int:
        """Return how many hours a date has, the last of them perhaps cut short; 0 where the zone skips it."""
        return -((self.first_instant(date) - self.end_instant(date)) // 3600)

    def _local(self, time_s: int) -> datetime.datetime:
        return (_EPOCH + datetime.timedelta(seconds=time_s)).astimezone(self._zone)

    def _offset_s(self, time_s: int) -> int:
        offset = self._local(time_s).utcoffset()
        return 0 if offset is None else offset // datetime.timedelta(seconds=1)

    def _utc(self, date: datetime.date, offset_s: int) -> int:
        """Return the instant of a date's midnight under an offset."""
        return (date.toordinal() - _EPOCH.toordinal()) * _SECONDS_PER_DAY - offset_s

    def _offsets_around(self, date: datetime.date) -> set[int]:
        """Return the offsets before and after a date's midnight: no zone changes twice within two days."""
        midnight_s = self._utc(date, 0)
        return {self._offset_s(midnight_s - _SECONDS_PER_DAY), self._offset_s(midnight_s + _SECONDS_PER_DAY)}

    def _midnights(self, date: datetime.date) -> list[int]:
        """Return the instants at which local clocks show a date's midnight: none, one or two."""
        instants = (self._utc(date, offset_s) for offset_s in self._offsets_around(date))
        wanted = datetime.datetime.combine(date, datetime.time.min)
        return [time_s for time_s in instants if self._local(time_s).replace(tzinfo=None) == wanted]

    def _skipped_to(self, date: datetime.date) -> int:
        """Return the instant of the change of offset that skips a date's midnight."""
        midnight_s = self._utc(date, 0)
        before, after = midnight_s - _SECONDS_PER_DAY, midnight_s + _SECONDS_PER_DAY
        old = self._offset_s(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset_s(middle) == old:
                before = middle
            else:
                after = middle
        return after
