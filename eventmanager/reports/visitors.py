"""Distinct visitors: each counted once, however many days, events and rows name them.

Of one day the store counts them, and its shards add up. Of several days the sets are united. A visitor's shard is the
CRC-32 of their id modulo the day's shard count, a power of two. So with M for the smallest count of the days, the
visitors in shard s of any day are those in the shards of other days that leave the same remainder modulo M: the sets
are united group by group of such shards, and memory holds one group's visitors at a time.
"""

import asyncio
import datetime
from collections import Counter
from collections.abc import Mapping, Sequence

from eventmanager.audit.cells import report_of
from eventmanager.blocks import Partition
from eventmanager.facts import Key, SetTable
from eventmanager.reports.counted_by import BY_ALL, BY_COLUMNS, CountedBy
from eventmanager.reports.figures import Figures
from eventmanager.reports.live_visitors import LiveVisitors
from eventmanager.reports.reading import for_each
from eventmanager.reports.recounted_visitors import RecountedVisitors
from eventmanager.reports.recounts import COUNTS, VISITORS
from eventmanager.reports.scope import Scope


async def visitors_by_period(figures: Figures, scope: Scope, table: SetTable) -> Sequence[Mapping[Key, int]]:
    """Count distinct visitors in each of the intervals, by the columns that `Store.member_counts` counts by."""
    dates = [scope.dates_of(period) for period in scope.periods]
    by_day = await _visitors_of_days(figures, scope, table, [days[0] for days in dates if len(days) == 1])
    by = BY_ALL if table is SetTable.USERS_BY_PLATFORM else BY_COLUMNS
    return [
        by_day[days[0]] if len(days) == 1 else await united_visitors(figures, scope, table, days, by) for days in dates
    ]


async def united_visitors(
    figures: Figures, scope: Scope, table: SetTable, dates: Sequence[datetime.date], by: CountedBy
) -> Mapping[Key, int]:
    """Count distinct visitors over some days."""
    shards_of = {date: range(scope.app.shard_count(date)) for date in dates}
    reports = {date: [report_of(table, shard) for shard in shards] for date, shards in shards_of.items()}
    marks = await figures.recounted(VISITORS, reports)
    counts = Counter[Key]()
    groups = min(map(len, shards_of.values()), default=0)
    for group in range(groups):
        shards = {date: shards_of[date][group::groups] for date in dates}
        recounted = RecountedVisitors(figures, table, by, marks, shards)
        of_group = await _visitors_of_group(recounted, [date for date in dates if date not in marks])
        if of_group is None:  # Counted again meanwhile.
            marks = {}
            of_group = await _visitors_of_group(RecountedVisitors(figures, table, by, {}, shards), dates)
        counts.update(of_group)
    return counts


async def _visitors_of_group(
    recounted: RecountedVisitors, live_dates: Sequence[datetime.date]
) -> Mapping[Key, int] | None:
    """Unite recounted days with live ones; None where what was recounted cannot be had any more."""
    if not live_dates:
        return await recounted.counts()
    live = await _live_visitors(recounted, live_dates)
    if not recounted.marks:
        return await asyncio.to_thread(live.counts)
    new_visitors = await asyncio.to_thread(live.hashes, recounted.figures.hashes)
    if not await recounted.leave_out(new_visitors):
        return None
    counts = await recounted.counts()  # Last, as they are united by now.
    if counts is None:
        return None
    return Counter(counts) + Counter({key: len(visitors) for key, visitors in new_visitors.items()})


async def _live_visitors(like: RecountedVisitors, dates: Sequence[datetime.date]) -> LiveVisitors:
    """Read the visitors of live days."""
    live = LiveVisitors(like.by)
    figures = like.figures
    figures.are_live(dates)

    async def read(partition: Partition) -> None:
        async for page in figures.store.members(like.table, partition):
            live.add(page)  # Some milliseconds, and in no two threads at once.

    await for_each((Partition(figures.app, date, shard) for date in dates for shard in like.shards[date]), read)
    return live


async def _visitors_of_days(
    figures: Figures, scope: Scope, table: SetTable, dates: Sequence[datetime.date]
) -> Mapping[datetime.date, Mapping[Key, int]]:
    """Count the distinct visitors of each of some days."""
    counts = {date: Counter[Key]() for date in dates}
    report = report_of(table)
    marks = await figures.recounted(COUNTS, {date: [report] for date in dates})
    live = set(dates)
    async for cells in figures.cells(COUNTS, report, marks):
        for date, recounted in cells.items():
            counts[date].update(recounted)
            live.remove(date)
    figures.are_live(live)

    async def count(partition: Partition) -> None:
        counts[partition.date].update(await figures.store.member_counts(table, partition))

    await for_each(
        (
            Partition(figures.app, date, shard)
            for date in dates
            if date in live
            for shard in range(scope.app.shard_count(date))
        ),
        count,
    )
    return counts
