"""Facts that are committed and wait to go to their table."""

from collections.abc import Collection
from typing import Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.table_facts import TableFacts

MOST_UNSETTLED_BYTES: Final = 4 << 20
"""Most bytes of one table's facts, as JSON, that wait: those of 200,000 to 2,000,000 events. They take six times as
much memory, and a third of a second to settle.
"""


class Unsettled:
    """The facts of one table that the database keeps aside, commit after commit."""

    def __init__(self) -> None:
        self.facts: list[TableFacts] = []
        self._bytes = 0
        self._days: set[Day] = set()
        self._may_be_of_any_day = False

    def add(self, facts: TableFacts, length: int, days: Collection[Day] | None) -> None:
        """Have the facts of one more commit wait. `length` is that when encoded; `days` are theirs, or None for any."""
        self._bytes += length
        if days is None:
            self._may_be_of_any_day = True
        else:
            self._days.update(days)
        self.facts.append(facts)

    def concern(self, day: Day) -> bool:
        """Tell whether some may be of a day."""
        return self._may_be_of_any_day or day in self._days

    @property
    def are_too_many(self) -> bool:
        """Whether they are to be settled before there are more."""
        return self._bytes >= MOST_UNSETTLED_BYTES
