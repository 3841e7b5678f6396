"""The columns of the tables, and how values fit them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eventmanager.blocks import Partition
from eventmanager.facts import SetTable, Totals, TotalsRow, TotalsTable

Values: TypeAlias = tuple[Any, ...]

_EPOCH_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()
# CQL puts 1970-01-01 in the middle of 32 bits.
_EPOCH_OFFSET: Final = 2**31
LONGEST_TTL_S: Final = 630_720_000
# Unless told that no older node is left (`storage_compatibility_mode: NONE`), Cassandra 5 counts expiry in 31 bits.
_LATEST_EXPIRE_TIME_S: Final = 2**31 - 2


def cql_date(date: datetime.date) -> int:
    """Return a date as the driver takes it at least cost: days, offset as on the wire."""
    return date.toordinal() - _EPOCH_ORDINAL + _EPOCH_OFFSET


def partition_values(partition: Partition) -> Values:
    """Return a partition's key."""
    return partition.app, cql_date(partition.date), partition.shard


def ttl_s(expire_time_s: int, now_s: float) -> int:
    """Return a row's time to live, 0 for good. What would expire later than Cassandra can count is kept for good."""
    if not expire_time_s or expire_time_s > _LATEST_EXPIRE_TIME_S:
        return 0
    return min(LONGEST_TTL_S, max(1, expire_time_s - int(now_s)))


@dataclass(frozen=True, slots=True)
class TotalsColumns:
    """The columns of a table of totals, but for those of the partition."""

    key: tuple[str, ...]
    counts: tuple[str, ...]
    durations: tuple[tuple[str, str], ...] = ()
    """For each of the durations the column of their total, in milliseconds, and that of their buckets."""
    timed: tuple[str, ...] = ()
    """A column that counts the durations, for people to divide by, where none of `counts` does."""
    marks: tuple[str, ...] = ()
    """Counts that the ledger adds to those of the facts, after them."""
    added: tuple[str, ...] = ()
    """A column with the number of the last of the ledger's additions that the row has, where they wait."""

    @property
    def written(self) -> tuple[str, ...]:
        """All columns: the key, the ledger, the figures in the order of `figures_of`, and `added`."""
        durations = (name for pair in self.durations for name in pair)
        return (*self.key, "ledger", *self.counts, *self.marks, *durations, *self.timed, *self.added)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that `row_of` takes, in their order."""
        return (*self.key, *self.counts, *(name for pair in self.durations for name in pair))

    def figures_of(self, totals: Totals) -> list[int | bytes]:
        """Return what a row says: integers of 64 bits, and blobs."""
        figures: list[int | bytes] = [*totals.counts]
        for durations in totals.durations:
            figures.append(durations.total_ms)
            figures.append(durations.encode())
        if self.timed:
            figures.append(sum(durations.count for durations in totals.durations))
        return figures

    def row_of(self, values: Values) -> TotalsRow:
        """Return the row that some values read tell; there may be more of them than `read` has."""
        counts_end = len(self.key) + len(self.counts)
        encoded = values[counts_end : counts_end + 2 * len(self.durations)]
        return TotalsRow(
            values[: len(self.key)],
            values[len(self.key) : counts_end],
            tuple(zip(encoded[::2], encoded[1::2], strict=True)),
        )


SET_COLUMNS: Final[Mapping[SetTable, tuple[str, ...]]] = {
    SetTable.USERS_BY_STAGE: ("stage", "user"),
    SetTable.USERS_BY_PLATFORM: ("user", "browser", "os", "device"),
    SetTable.STAGE_GRAPH: ("from_stage", "to_stage", "user"),
}

_ADDED: Final = ("added",)

TOTALS_COLUMNS: Final[Mapping[TotalsTable, TotalsColumns]] = {
    TotalsTable.TIME_BY_STAGE: TotalsColumns(("stage",), ("hits",), (("elapsed", "durations"),), added=_ADDED),
    TotalsTable.ACTIONS_BY_BUTTON: TotalsColumns(
        ("target",),
        ("hover_leave", "hover_click"),
        (("elapsed_leave", "durations_leave"), ("elapsed_click", "durations_click")),
        ("hits",),
        added=_ADDED,
    ),
    TotalsTable.VIEWS_BY_PAGE: TotalsColumns(
        ("url",), ("views",), (("elapsed", "durations"),), ("hits",), added=_ADDED
    ),
    TotalsTable.CLICKS_BY_TARGET: TotalsColumns(
        ("url", "target"), ("clicks",), (("elapsed", "durations"),), ("hits",), added=_ADDED
    ),
    TotalsTable.TRAFFIC: TotalsColumns(
        ("hour",), ("clicks", "url_changes", "btn_times", "funnel_changes"), marks=("blocks",)
    ),
}
