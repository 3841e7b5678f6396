"""Facts that are committed and wait to go to their tables."""

from collections.abc import Collection, Sequence
from typing import Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.numbered_facts import NumberedFacts

MOST_UNSETTLED_BYTES: Final = 4 << 20
"""Most bytes of facts, as JSON, that wait: those of some 100,000 events."""


class Unsettled:
    """The same facts that the database keeps, in order."""

    def __init__(self, kept: Sequence[tuple[NumberedFacts, int]]) -> None:
        self.facts = [facts for facts, _ in kept]
        self._bytes = sum(length for _, length in kept)
        self._days: set[Day] = set()
        self._may_be_of_any_day = bool(kept)

    def add(self, facts: NumberedFacts, length: int, days: Collection[Day]) -> None:
        """Have the facts of one more commit wait, all of some days. `length` is that when encoded."""
        self._bytes += length
        self._days.update(days)
        self.facts.append(facts)

    def concern(self, day: Day) -> bool:
        """Tell whether some may be of a day."""
        return self._may_be_of_any_day or day in self._days

    @property
    def are_too_many(self) -> bool:
        """Whether they are to be settled before there are more."""
        return self._bytes >= MOST_UNSETTLED_BYTES
