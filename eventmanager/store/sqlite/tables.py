"""The tables' columns, and the SQL that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eventmanager.blocks import Partition
from eventmanager.facts import Key, SetTable, Totals, TotalsRow, TotalsTable

Table: TypeAlias = SetTable | TotalsTable

SHARDS_A_DAY: Final = 256
"""Most shards that an app can have, so that one number tells day and shard."""


def partition_number(day: int, shard: int) -> int:
    """Number a partition, given its day's number."""
    return day * SHARDS_A_DAY + shard


PARTITION: Final = f"((SELECT id FROM days WHERE app = ? AND date = ?) * {SHARDS_A_DAY} + ?)"
"""A partition's number in SQL, given what `partition_values` returns; NULL, which finds nothing, for no such day."""
DAY: Final = "(SELECT id FROM days WHERE app = ? AND date = ?)"
"""A day's number in SQL, given app and date."""


def partition_values(partition: Partition) -> tuple[str, str, int]:
    """Return the values that PARTITION takes."""
    return partition.app, partition.date.isoformat(), partition.shard


@dataclass(frozen=True, slots=True)
class TotalsColumns:
    """The columns of a table of totals after `day`."""

    key: tuple[str, ...]
    counts: tuple[str, ...]
    durations: tuple[tuple[str, str], ...] = ()
    """For each of the durations the columns of their total in milliseconds and of what Durations.encode wrote."""
    timed: tuple[str, ...] = ()
    """A column that counts the durations, for people to divide by, where no other does."""

    @property
    def written(self) -> tuple[str, ...]:
        """All columns, in the order of `append_values`."""
        return ("day", *self.key, *self.counts, *(name for pair in self.durations for name in pair), *self.timed)

    @property
    def read(self) -> str:
        """The expressions that `row_of` takes, in their order: JSON has no bytes."""
        durations = (part for total, encoded in self.durations for part in (total, f"hex({encoded})"))
        return ", ".join((*self.key, *self.counts, *durations))

    def append_values(self, values: list[Any], day: int, key: Key, totals: Totals) -> None:
        """Append a row's values to those of others."""
        values.append(day)
        values += key
        values += totals.counts
        for durations in totals.durations:
            values.append(durations.total_ms)
            values.append(durations.encode())
        if self.timed:
            values.append(sum(durations.count for durations in totals.durations))

    def row_of(self, values: Sequence[Any]) -> TotalsRow:
        """Return the row that some values read tell."""
        counts_end = len(self.key) + len(self.counts)
        totals_ms = values[counts_end::2]
        encoded = map(bytes.fromhex, values[counts_end + 1 :: 2])
        return TotalsRow(
            tuple(values[: len(self.key)]),
            tuple(values[len(self.key) : counts_end]),
            tuple(zip(totals_ms, encoded, strict=True)),
        )


SET_COLUMNS: Final[Mapping[SetTable, tuple[str, ...]]] = {
    SetTable.USERS_BY_STAGE: ("stage", "user"),
    SetTable.USERS_BY_PLATFORM: ("user", "browser", "os", "device"),
    SetTable.STAGE_GRAPH: ("from_stage", "to_stage", "user"),
}
"""The columns of the sets of visitors after `partition`."""

TOTALS_COLUMNS: Final[Mapping[TotalsTable, TotalsColumns]] = {
    TotalsTable.TIME_BY_STAGE: TotalsColumns(("stage",), ("hits",), (("elapsed", "durations"),)),
    TotalsTable.ACTIONS_BY_BUTTON: TotalsColumns(
        ("target",),
        ("hover_leave", "hover_click"),
        (("elapsed_leave", "durations_leave"), ("elapsed_click", "durations_click")),
    ),
    TotalsTable.VIEWS_BY_PAGE: TotalsColumns(("url",), ("views",), (("elapsed", "durations"),), ("hits",)),
    TotalsTable.CLICKS_BY_TARGET: TotalsColumns(("url", "target"), ("clicks",), (("elapsed", "durations"),), ("hits",)),
    TotalsTable.TRAFFIC: TotalsColumns(("hour",), ("clicks", "url_changes", "btn_times", "funnel_changes")),
}

ALL_TABLES: Final[Sequence[Table]] = (*SET_COLUMNS, *TOTALS_COLUMNS)
TABLES_BY_NAME: Final[Mapping[str, Table]] = {table.value: table for table in ALL_TABLES}
