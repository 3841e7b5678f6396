"""Which days are to be counted again by themselves: those that blocks were acknowledged for, once they are closed and
quiet.

Known from the blocks themselves, so that nobody has to look through all days for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eventmanager.blocks import Day

QUIET_S: Final = 120
"""How long no block of a day has come when it is counted again."""
_REST: Final = 10
"""A day that goes on changing waits ten times as long as its recount took, or it would be counted all the time."""


@dataclass(slots=True)
class _Changed:
    at_s: float
    end_s: float | None
    """When the day closes; None until it is known."""
    not_before_s: float = 0


class DueDays:
    """Remembers days that changed. Times are seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changed: dict[Day, _Changed] = {}

    def note(self, day: Day) -> None:
        """Remember that a block of a day was acknowledged, or may have been."""
        changed = self._changed.get(day)
        if changed is None:
            self._changed[day] = _Changed(self._now(), None)
        else:
            changed.at_s = self._now()

    def unplaced(self) -> Sequence[Day]:
        """Return the days of which nobody has told when they close."""
        return [day for day, changed in self._changed.items() if changed.end_s is None]

    def place(self, day: Day, end_s: float) -> None:
        """Tell when a day closes."""
        self._changed[day].end_s = end_s

    def next(self) -> Day | None:
        """Return the oldest day that is closed and quiet."""
        now_s = self._now()
        return min(
            (
                day
                for day, changed in self._closed()
                if now_s >= changed.at_s + QUIET_S and now_s >= changed.not_before_s
            ),
            key=lambda day: (day.date, day.app),
            default=None,
        )

    def settle(self, day: Day, began_s: float) -> None:
        """Take a day for counted again by a recount that began at some time, unless it has changed since."""
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
        if day in self._changed:
            self._changed[day].not_before_s = self._now() + QUIET_S

    def forget(self, day: Day) -> None:
        """Forget a day that is not to be counted."""
        self._changed.pop(day, None)

    def oldest_end_s(self) -> float | None:
        """Return when the oldest of the closed days closed."""
        return min((changed.end_s for _, changed in self._closed() if changed.end_s is not None), default=None)

    def _closed(self) -> Iterator[tuple[Day, _Changed]]:
        now_s = self._now()
        return (
            (day, changed)
            for day, changed in self._changed.items()
            if changed.end_s is not None and changed.end_s <= now_s
        )
