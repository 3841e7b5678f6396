"""The fold: what blocks of events say together, as facts for the tables.

What each says by itself, or some say together, was summed up before. A hot path of ingest all the same: local names,
and few calls.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

from eventmanager.block_sums import KINDS, BlockSums, Stage, StageEntered, sum_up
from eventmanager.blocks import Block, Day, Partition
from eventmanager.events import NO_TIME_MS, EventRow
from eventmanager.facts import Addition, Facts, Key, SetTable, TotalsTable
from eventmanager.memory import FoldMemory

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
        stage_times = self.stage_times
        for stage, times in sums.stage_times.items():
            stage_times[stage] += times
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
    copies = memory.copies(blocks)
    by_partition: defaultdict[Partition, list[tuple[Block, Sequence[int]]]] = defaultdict(list)
    for block, copied in zip(blocks, copies, strict=True):
        by_partition[block.partition].append((block, copied))
    for partition, of_partition in by_partition.items():
        for sums in _sums(of_partition):
            gathered.add(partition, sums)
    return Facts(gathered.members, {day: _totals(sums) for day, sums in gathered.totals.items()}, copies)


def _sums(blocks: Iterable[tuple[Block, Sequence[int]]]) -> Iterator[BlockSums]:
    """Sum up blocks of one partition, each with its copies, in order: visitors' moves depend on those before."""
    single: list[EventRow] = []
    together: list[Block] = []
    for block, copied in blocks:
        if together and (copied or block.sums is not together[0].sums):
            # Not all that were summed up together are here and count.
            single += chain.from_iterable(before.rows() for before in together)
            together = []
        if copied:
            skipped = set(copied)
            single += [row for position, row in enumerate(block.rows()) if position not in skipped]
        elif block.count < _SMALL_BLOCK and block.blocks_summed == 1:
            single += block.rows()
        else:
            together.append(block)
            if len(together) == block.blocks_summed:
                if single:
                    yield sum_up(single)
                    single = []
                yield block.sums()
                together = []
    single += chain.from_iterable(block.rows() for block in together)
    if single:
        yield sum_up(single)


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

        remembered = self._memory.visitors(partition)
        platform_rows = self._rows(SetTable.USERS_BY_PLATFORM, partition)
        for platform, users in sums.visitors.items():
            new = remembered.add_rows(SetTable.USERS_BY_PLATFORM, platform, users)
            platform_rows += [(user, *platform) for user in new]
        stage_rows = self._rows(SetTable.USERS_BY_STAGE, partition)
        for stage, users in sums.stage_users.items():
            new = remembered.add_rows(SetTable.USERS_BY_STAGE, (stage,), users)
            stage_rows += [(stage, user) for user in new]
        move_rows = self._rows(SetTable.STAGE_GRAPH, partition)
        for moves in (sums.moves, self._moves(sums.stages, remembered.stage_of)):
            for move, users in moves.items():
                new = remembered.add_rows(SetTable.STAGE_GRAPH, move, users)
                move_rows += [(*move, user) for user in new]

    def _rows(self, table: SetTable, partition: Partition) -> list[Key]:
        return self.members[table].setdefault(partition, [])

    def _moves(self, stages: Iterable[StageEntered], stage_of: dict[str, Stage]) -> Mapping[tuple[int, int], set[str]]:
        """Go with visitors from stage to stage; return the moves of which only that tells where they began."""
        moves: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        stages_before = self._memory.stages_before
        for user, stage, left in stages:
            before = stage_of.get(user)
            # Else it is late: which stage the visitor was on then, only the log can tell.
            if before is None or before < stage:
                stages_before.append((stage_of, user, before))
                stage_of[user] = stage
                if left < 0 and before is not None and before[2] != stage[2]:
                    moves[before[2], stage[2]].add(user)
        return moves


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
