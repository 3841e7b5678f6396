"""Facts: what some events say, in the shape of the tables that keep it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Self, TypeAlias

from eventmanager.blocks import Day, Partition
from eventmanager.durations import Durations

Key: TypeAlias = tuple[Any, ...]
"""The columns that tell one row of a table from the others of its partition, texts and integers."""


class SetTable(Enum):
    """A table of sets of visitors; its value is its name."""

    USERS_BY_STAGE = "users_by_stage"
    """(stage, user)"""
    USERS_BY_PLATFORM = "users_by_platform"
    """(user, browser, os, device): one row at least for every visitor of the day."""
    STAGE_GRAPH = "stage_graph"
    """(from_stage, to_stage, user)"""

    __hash__ = object.__hash__  # Enum's own is written in Python, and every fact is looked up by its table.


class TotalsTable(Enum):
    """A table of totals; its value is its name."""

    TIME_BY_STAGE = "time_by_stage"
    """(stage,): counts (hits,), one of durations"""
    ACTIONS_BY_BUTTON = "actions_by_button"
    """(target,): counts (hover_leave, hover_click), durations of the two"""
    VIEWS_BY_PAGE = "views_by_page"
    """(url,): counts (views,), one of durations"""
    CLICKS_BY_TARGET = "clicks_by_target"
    """(current_url, target): counts (clicks,), one of durations"""
    TRAFFIC = "traffic"
    """(hour,): counts (clicks, url_changes, btn_times, funnel_changes), no durations"""

    __hash__ = object.__hash__  # As above.


class Addition(NamedTuple):
    """What is to be added to one row of totals: to each of its counts, and to each of its durations, one by one in
    milliseconds.
    """

    counts: tuple[int, ...]
    elapsed_ms: tuple[Sequence[int], ...]


class Totals:
    """One row of totals, decoded. More may be added."""

    __slots__ = ("counts", "durations")

    def __init__(self, counts: Sequence[int], durations: Sequence[Durations]) -> None:
        self.counts = list(counts)
        self.durations = list(durations)

    @classmethod
    def of(cls, addition: Addition) -> Self:
        """Begin with an addition."""
        return cls(addition.counts, [Durations.of(elapsed_ms) for elapsed_ms in addition.elapsed_ms])

    def add(self, addition: Addition) -> None:
        """Add to every count and to all durations."""
        counts = self.counts
        for position, count in enumerate(addition.counts):
            counts[position] += count
        for durations, elapsed_ms in zip(self.durations, addition.elapsed_ms, strict=True):
            if elapsed_ms:
                durations.add(elapsed_ms)

    def merge(self, other: Self) -> None:
        """Add another row's counts and durations."""
        self.counts = [mine + others for mine, others in zip(self.counts, other.counts, strict=True)]
        for durations, more in zip(self.durations, other.durations, strict=True):
            durations.merge(more)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Totals):
            return NotImplemented
        return (self.counts, self.durations) == (other.counts, other.durations)

    __hash__ = None  # type: ignore[assignment]  # Changes, so it must not be a key.

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.counts}, {self.durations}>"


class TotalsRow(NamedTuple):
    """One row of totals as a store returns it. Durations stay encoded until wanted: most rows are only ranked."""

    key: Key
    counts: tuple[int, ...]
    encoded: tuple[tuple[int, bytes], ...]
    """For each of the durations their total in milliseconds and what Durations.encode wrote."""

    def decode(self) -> Totals:
        """Decode the durations."""
        return Totals(self.counts, [Durations.decode(total_ms, encoded) for total_ms, encoded in self.encoded])


@dataclass(frozen=True, slots=True)
class Facts:
    """What some blocks say. Members may be known already; totals are to be added."""

    members: Mapping[SetTable, Mapping[Partition, Sequence[Key]]]
    totals: Mapping[Day, Mapping[TotalsTable, Mapping[Key, Addition]]]
    copies: Sequence[Sequence[int]]
    """For each block, in the order given, the positions of the events that were counted before."""


NO_FACTS: Final = Facts({}, {}, ())
"""What no blocks say."""
