"""An app's settings as the service uses them, with the history of those that hold from some day on."""

import datetime
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from live.eventmanager.storage.v1.settings_pb2 import AppSettings, SettingFrom

from eventmanager.zones import Zone

_DAY = datetime.timedelta(days=1)
_TWO_DAYS = 2 * _DAY
_CACHED_PLACES = 1_000


class DayPlace(NamedTuple):
    """What an event of some day has to know of it."""

    shard_count: int
    reports_end: datetime.date | None
    """As App.reports_end."""
    expire_time_s: int
    """As App.expire_time_s."""


class App:
    """One app, unpacked from its settings. Not changed once made."""

    __slots__ = (
        "_places", "_retentions", "_shard_counts",
        "app", "keep_url_queries", "settings", "stage_names", "stages", "zone",
    )  # fmt: skip

    def __init__(self, settings: AppSettings, zone: Zone) -> None:
        self.settings = settings
        self.app = settings.app.app
        self.zone = zone
        self.keep_url_queries = settings.app.keep_url_queries
        self.stages: Sequence[int] = [stage.stage for stage in settings.app.stages]
        self.stage_names: Mapping[int, str] = {stage.stage: stage.name for stage in settings.app.stages}
        self._shard_counts = _history(settings.shard_counts)
        self._retentions = _history(settings.retentions)
        self._places: dict[datetime.date, DayPlace] = {}

    def place(self, date: datetime.date) -> DayPlace:
        """Return what follows from the settings for events of a date."""
        place = self._places.get(date)
        if place is None:
            if len(self._places) >= _CACHED_PLACES:
                self._places.clear()
            place = DayPlace(self.shard_count(date), self.reports_end(date), self.expire_time_s(date))
            self._places[date] = place
        return place

    def shard_count(self, date: datetime.date) -> int:
        """Return the number of shards of a date, a power of two."""
        return _in_force(self._shard_counts, date)

    def retention_days(self, date: datetime.date) -> int:
        """Return how many days a date's events are kept after it, 0 for good.

        A shorter time counts for days gone by, too; a longer one does not, as their rows may be gone already.
        """
        in_force = _in_force(self._retentions, date)
        later = [days for from_date, days in self._retentions if from_date > date]
        return min((days for days in (in_force, *later) if days), default=0)

    def reports_end(self, date: datetime.date) -> datetime.date | None:
        """Return the first day on which a date is reported no more and its events are refused; None for never."""
        days = self.retention_days(date)
        return date + (days + 1) * _DAY if days else None

    def expire_time_s(self, date: datetime.date) -> int:
        """Return when a date's rows expire, two days after its reports end, in seconds since 1970; 0 for never."""
        end = self.reports_end(date)
        return self.zone.first_instant(end + _TWO_DAYS) if end else 0


def _history(entries: Sequence[SettingFrom]) -> list[tuple[datetime.date, int]]:
    return [
        (datetime.date.fromisoformat(entry.from_date) if entry.from_date else datetime.date.min, entry.value)
        for entry in entries
    ]


def _in_force(history: Sequence[tuple[datetime.date, int]], date: datetime.date) -> int:
    """Return the last value that counts from the date or before. The first entry of every history counts from ever."""
    return next(value for from_date, value in reversed(history) if from_date <= date)
