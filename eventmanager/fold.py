"""The fold: what blocks of events say together, as facts for the tables.

What each says by itself was summed up before. A hot path of ingest all the same: local names, and few calls.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from eventmanager.block_sums import KINDS, BlockSums, StageEntered, sum_up
from eventmanager.blocks import Block, Day, Partition
from eventmanager.events import NO_TIME_MS, EventRow
from eventmanager.facts import Addition, Facts, Key, SetTable, TotalsTable
from eventmanager.memory import FoldMemory, RememberedVisitors

_SMALL_BLOCK = 100
"""Blocks with fewer events are summed up together: it takes less time than to add up their sums."""
_MOST_HOURS = 26
"""Hours of the longest day: 25, and one that a zone's change may begin in the middle of."""

_Times: TypeAlias = defaultdict[str, list[int]]


class _DayTotals:
    """The totals of one day while they are gathered: elapsed milliseconds or NO_TIME_MS, one by one."""

    __slots__ = ("by_hour", "clicks", "hovers_clicked", "hovers_left", "page_times", "stage_times", "views")

    def __init__(self) -> None:
        self.stage_times: defaultdict[int, list[int]] = defaultdict(list)
        self.hovers_left: _Times = defaultdict(list)
        self.hovers_clicked: _Times = defaultdict(list)
        self.views: defaultdict[str, int] = defaultdict(int)
        self.page_times: _Times = defaultdict(list)
        self.clicks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.by_hour = [0] * (_MOST_HOURS * KINDS)

    def add(self, sums: BlockSums) -> None:
        """Add a block's."""
        by_hour = self.by_hour
        for place, count in sums.by_hour.items():
            by_hour[place] += count
        clicks = self.clicks
        for click, times in sums.clicks.items():
            clicks[click] += times
        views = self.views
        for url, count in sums.views.items():
            views[url] += count
        for all_times, of_block in (
            (self.page_times, sums.page_times),
            (self.hovers_left, sums.hovers_left),
            (self.hovers_clicked, sums.hovers_clicked),
        ):
            for text, times in of_block.items():
                all_times[text] += times


def fold(blocks: Sequence[Block], memory: FoldMemory) -> Facts:
    """Fold blocks: `memory` says which events are copies, which rows are written, and where visitors were before."""
    gathered = _Gathered(memory)
    small: defaultdict[Partition, list[EventRow]] = defaultdict(list)
    copies = memory.copies(blocks)
    for block, copied in zip(blocks, copies, strict=True):
        partition = block.partition
        if copied:
            skipped = set(copied)
            small[partition] += [row for position, row in enumerate(block.rows()) if position not in skipped]
        elif block.count < _SMALL_BLOCK:
            small[partition] += block.rows()
        else:
            # In order: visitors' moves depend on those before.
            if partition in small:
                gathered.add(partition, sum_up(small.pop(partition)))
            gathered.add(partition, block.sums())
    for partition, rows in small.items():
        gathered.add(partition, sum_up(rows))
    return Facts(gathered.members, {day: _totals(sums) for day, sums in gathered.totals.items()}, copies)


class _Gathered:
    """Facts while they are gathered."""

    def __init__(self, memory: FoldMemory) -> None:
        self._memory = memory
        self.members: dict[SetTable, dict[Partition, list[Key]]] = {table: {} for table in SetTable}
        self.totals: dict[Day, _DayTotals] = {}

    def add(self, partition: Partition, sums: BlockSums) -> None:
        """Add what some events of a partition say."""
        day = partition.day
        totals = self.totals.get(day)
        if totals is None:
            totals = self.totals[day] = _DayTotals()
        totals.add(sums)

        visitors = self._memory.visitors(partition)
        self._add_platforms(partition, sums, visitors)
        self._add_stages(partition, sums.stages, visitors, totals.stage_times)

    def _add_platforms(self, partition: Partition, sums: BlockSums, visitors: RememberedVisitors) -> None:
        platform_of = visitors.platform_of
        new_platforms = self.members[SetTable.USERS_BY_PLATFORM].setdefault(partition, [])
        for user, platform in zip(sums.visitors, sums.platforms, strict=True):
            if platform_of.get(user) is not platform:
                platform_of[user] = platform
                new_platforms.append((user, *platform))

    def _add_stages(
        self,
        partition: Partition,
        stages: Iterable[StageEntered],
        visitors: RememberedVisitors,
        stage_times: defaultdict[int, list[int]],
    ) -> None:
        stage_users = visitors.stage_users
        edges = visitors.edges
        stage_of = visitors.stage_of
        stages_before = self._memory.stages_before
        new_stage_users = self.members[SetTable.USERS_BY_STAGE].setdefault(partition, [])
        new_edges = self.members[SetTable.STAGE_GRAPH].setdefault(partition, [])
        for user, event_id, time_ns, entered, left, elapsed_ms in stages:
            stage_user = (entered, user)
            if stage_user not in stage_users:
                stage_users[stage_user] = None
                new_stage_users.append(stage_user)
            stage_times[left if left >= 0 else entered].append(elapsed_ms)
            before = stage_of.get(user)
            if before is None or before < (time_ns, event_id):
                stages_before.append((stage_of, user, before))
                stage_of[user] = (time_ns, event_id, entered)
                if left < 0 and before is not None:
                    left = before[2]
            # Else it is late: which stage the visitor was on then, only the log can tell.
            if left >= 0 and left != entered:
                edge = (left, entered, user)
                if edge not in edges:
                    edges[edge] = None
                    new_edges.append(edge)


def _totals(day: _DayTotals) -> dict[TotalsTable, dict[Key, Addition]]:
    hours = range(0, len(day.by_hour), KINDS)
    return {
        TotalsTable.TIME_BY_STAGE: {(stage,): _counted(times) for stage, times in day.stage_times.items()},
        TotalsTable.ACTIONS_BY_BUTTON: {
            (target,): _hovers(day.hovers_left.get(target, ()), day.hovers_clicked.get(target, ()))
            for target in day.hovers_left.keys() | day.hovers_clicked.keys()
        },
        TotalsTable.VIEWS_BY_PAGE: {
            (url,): Addition((day.views.get(url, 0),), (day.page_times.get(url, ()),))
            for url in day.views.keys() | day.page_times.keys()
        },
        TotalsTable.CLICKS_BY_TARGET: {key: _counted(times) for key, times in day.clicks.items()},
        TotalsTable.TRAFFIC: {
            (first // KINDS,): Addition(tuple(day.by_hour[first : first + KINDS]), ())
            for first in hours
            if any(day.by_hour[first : first + KINDS])
        },
    }


def _counted(times: Sequence[int]) -> Addition:
    """Count all, and the time of those that have one."""
    timed = times if NO_TIME_MS not in times else [elapsed_ms for elapsed_ms in times if elapsed_ms != NO_TIME_MS]
    return Addition((len(times),), (timed,))


def _hovers(left: Sequence[int], clicked: Sequence[int]) -> Addition:
    return Addition((len(left), len(clicked)), (left, clicked))
