"""Which days are to be counted again by themselves: those that blocks were acknowledged for, once they are closed and
quiet.

Known from the blocks themselves, so that nobody has to look through all days for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eventmanager.blocks import Day

QUIET_S: Final = 120
"""How long no block of a day has come when it is counted again."""
_REST: Final = 10
"""A day that goes on changing is counted again after ten times as long as that took, or it would be counted always."""


@dataclass(slots=True)
class _Changed:
    at_s: float
    not_before_s: float


class DueDays:
    """Remembers the days that changed."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changed: dict[Day, _Changed] = {}

    def note(self, day: Day) -> None:
        """Remember that a block of a day was acknowledged, or may have been."""
        now_s = self._now()
        changed = self._changed.get(day)
        if changed is None:
            self._changed[day] = _Changed(now_s, 0)
        else:
            changed.at_s = now_s

    def next(self, end_of: Callable[[Day], float]) -> Day | None:
        """Return the oldest day that is closed and quiet; `end_of` tells when a day closes."""
        now_s = self._now()
        return min(
            (
                day
                for day, changed in self._changed.items()
                if now_s >= changed.at_s + QUIET_S and now_s >= changed.not_before_s and now_s >= end_of(day)
            ),
            key=lambda day: (day.date, day.app),
            default=None,
        )

    def settle(self, day: Day, began_s: float) -> None:
        """Take a day for counted again, by a recount that began at some time, unless it has changed since."""
        changed = self._changed.get(day)
        if changed is None:
            return
        now_s = self._now()
        if changed.at_s < began_s:
            del self._changed[day]
        else:
            changed.not_before_s = now_s + _REST * (now_s - began_s)

    def postpone(self, day: Day) -> None:
        """Have a day wait whose recount failed."""
        changed = self._changed.get(day)
        if changed is not None:
            changed.not_before_s = self._now() + QUIET_S

    def forget(self, day: Day) -> None:
        """Forget a day that is not to be counted."""
        self._changed.pop(day, None)

    def oldest_closed(self, end_of: Callable[[Day], float]) -> float | None:
        """Return when the oldest day closed that is closed and waits, in seconds since 1970."""
        now_s = self._now()
        return min((end_s for day in self._changed if (end_s := end_of(day)) <= now_s), default=None)
