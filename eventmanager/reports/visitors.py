"""Distinct visitors: each counted once, however many days, events and rows name them.

Of one day the store counts them, and its shards add up. Of several days the sets are united. A visitor's shard is the
CRC-32 of their id modulo the day's shard count, a power of two. So with M for the smallest count of the days, the
visitors in shard s of any day are those in the shards of other days that leave the same remainder modulo M: the sets
are united group by group of such shards, and memory holds one group's visitors at a time.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from eventmanager.apps import App
from eventmanager.blocks import Day, Partition
from eventmanager.facts import Key, SetTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.reading import for_each
from eventmanager.reports.scope import Scope

Entries: TypeAlias = Iterable[tuple[Key, int]]
"""What to count a visitor under, and the visitor's hash."""

_KEYS_WITH_BITS: Final = 60


class _Union:
    """Counts the visitors under each key, each once.

    Keeps one small number for a visitor, whose bits stand for keys: a third of what sets would take. Keys beyond the
    first 60 get no bit, or the numbers would grow with the keys.
    """

    __slots__ = ("_bits", "_counts", "_keys_of", "_others")

    def __init__(self, counts: Counter[Key]) -> None:
        self._counts = counts
        self._bits: dict[Key, int] = {}
        self._keys_of: dict[int, int] = {}
        self._others: set[tuple[Key, int]] = set()

    def add(self, entries: Entries) -> None:
        for key, visitor in entries:
            bit = self._bits.get(key)
            if bit is None:
                bit = self._bits[key] = 1 << len(self._bits) if len(self._bits) < _KEYS_WITH_BITS else 0
            if not bit:
                if (key, visitor) not in self._others:
                    self._others.add((key, visitor))
                    self._counts[key] += 1
                continue
            known = self._keys_of.get(visitor, 0)
            if not known & bit:
                self._keys_of[visitor] = known | bit
                self._counts[key] += 1


async def visitors_by_period(figures: Figures, scope: Scope, table: SetTable) -> Sequence[Mapping[Key, int]]:
    """Count distinct visitors in each of the intervals, by the columns that `Store.member_counts` counts by."""
    dates = [scope.dates_of(period) for period in scope.periods]
    counts = [Counter[Key]() for _ in scope.periods]

    single_days: list[tuple[Counter[Key], datetime.date]] = []

    async def count_day(share: tuple[Counter[Key], datetime.date]) -> None:
        counted, date = share
        recounted = await figures.recounted_counts(table, Day(scope.app.app, date))
        if recounted is None:
            single_days.append(share)
        else:
            counted.update(recounted)

    async def count(share: tuple[Counter[Key], Partition]) -> None:
        counted, partition = share
        counted.update(await figures.live_counts(table, partition))

    await for_each(
        ((counts[number], of_period[0]) for number, of_period in enumerate(dates) if len(of_period) == 1), count_day
    )
    await for_each(
        (
            (counted, Partition(scope.app.app, date, shard))
            for counted, date in single_days
            for shard in range(scope.app.shard_count(date))
        ),
        count,
    )
    entries_of = _by_all if table is SetTable.USERS_BY_PLATFORM else _by_columns
    for number, of_period in enumerate(dates):
        if len(of_period) > 1:
            counts[number] = await united_visitors(figures, scope.app, table, of_period, entries_of)
    return counts


async def united_visitors(
    figures: Figures,
    app: App,
    table: SetTable,
    dates: Sequence[datetime.date],
    entries_of: Callable[[Sequence[tuple[Key, int]]], Entries],
) -> Counter[Key]:
    """Count distinct visitors over some days, under the keys that `entries_of` makes of a table's rows."""
    counts = Counter[Key]()
    groups = min((app.shard_count(date) for date in dates), default=0)
    for group in range(groups):
        union = _Union(counts)

        async def unite(partition: Partition, union: _Union = union) -> None:
            async for rows in figures.visitors(table, partition):
                union.add(entries_of(rows))

        await for_each(
            (
                Partition(app.app, date, shard)
                for date in dates
                for shard in range(group, app.shard_count(date), groups)
            ),
            unite,
        )
    return counts


def _by_columns(rows: Sequence[tuple[Key, int]]) -> Entries:
    return rows


def _by_all(rows: Sequence[tuple[Key, int]]) -> Entries:
    return (((), visitor) for _, visitor in rows)
