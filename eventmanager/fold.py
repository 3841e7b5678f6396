"""The fold: what blocks of events say, as facts for the tables.

The hot path of ingest, so it is one pass with local names, and no call or object for an event that could be saved.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from live.eventmanager.v1.event_pb2 import BTN_ACTION_HOVER_THEN_LEAVE

from eventmanager.blocks import Block, Day, Partition
from eventmanager.events import BTN_TIME, CLICK, NO_TIME_MS, URL_CHANGE
from eventmanager.facts import Addition, Facts, Key, SetTable, TotalsTable
from eventmanager.memory import FoldMemory

_KINDS = 4
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
        self.by_hour = [0] * (_MOST_HOURS * _KINDS)


def fold(  # noqa: C901, PLR0912, PLR0915 - one pass: calls would double what an event costs.
    blocks: Iterable[Block], memory: FoldMemory
) -> Facts:
    """Fold blocks: `memory` says which events are copies, which rows are written, and where visitors were before."""
    members: dict[SetTable, dict[Partition, list[Key]]] = {table: {} for table in SetTable}
    totals: dict[Day, _DayTotals] = {}
    copies: list[list[int]] = []
    for block in blocks:
        partition = block.partition
        day = totals.get(partition.day)
        if day is None:
            day = totals[partition.day] = _DayTotals()
        stage_times = day.stage_times
        by_hour = day.by_hour
        clicks = day.clicks
        views = day.views
        page_times = day.page_times
        hovers_left = day.hovers_left
        hovers_clicked = day.hovers_clicked

        visitors = memory.visitors(partition)
        platform_of = visitors.platform_of
        stage_users = visitors.stage_users
        edges = visitors.edges
        stage_of = visitors.stage_of
        stages_before = memory.stages_before
        new_platforms = members[SetTable.USERS_BY_PLATFORM].setdefault(partition, [])
        new_stage_users = members[SetTable.USERS_BY_STAGE].setdefault(partition, [])
        new_edges = members[SetTable.STAGE_GRAPH].setdefault(partition, [])

        rows = block.rows
        copied = memory.copies(block)
        copies.append(copied)
        if copied:
            skipped = set(copied)
            rows = [row for position, row in enumerate(rows) if position not in skipped]

        for kind, user, event_id, time_ns, hour, platform, subject, detail, elapsed_ms in rows:
            if platform_of.get(user) is not platform:
                platform_of[user] = platform
                new_platforms.append((user, *platform))
            by_hour[hour * _KINDS + kind] += 1
            if kind == CLICK:
                clicks[subject, detail].append(elapsed_ms)
            elif kind == URL_CHANGE:
                views[subject] += 1
                if detail and elapsed_ms >= 0:
                    page_times[detail].append(elapsed_ms)
            elif kind == BTN_TIME:
                if detail == BTN_ACTION_HOVER_THEN_LEAVE:
                    hovers_left[subject].append(elapsed_ms)
                else:
                    hovers_clicked[subject].append(elapsed_ms)
            else:
                stage_user = (subject, user)
                if stage_user not in stage_users:
                    stage_users[stage_user] = None
                    new_stage_users.append(stage_user)
                before = stage_of.get(user)
                if before is None or before < (time_ns, event_id):
                    stages_before.append((stage_of, user, before))
                    stage_of[user] = (time_ns, event_id, subject)
                    left = detail if detail >= 0 or before is None else before[2]
                else:
                    left = detail  # Late: which stage the visitor was on then, only the log can tell.
                stage_times[detail if detail >= 0 else subject].append(elapsed_ms)
                if left >= 0 and left != subject:
                    edge = (left, subject, user)
                    if edge not in edges:
                        edges[edge] = None
                        new_edges.append(edge)
    return Facts(members, {day: _totals(gathered) for day, gathered in totals.items()}, copies)


def _totals(day: _DayTotals) -> dict[TotalsTable, dict[Key, Addition]]:
    hours = range(0, len(day.by_hour), _KINDS)
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
            (first // _KINDS,): Addition(tuple(day.by_hour[first : first + _KINDS]), ())
            for first in hours
            if any(day.by_hour[first : first + _KINDS])
        },
    }


def _counted(times: Sequence[int]) -> Addition:
    """Count all, and the time of those that have one."""
    timed = times if NO_TIME_MS not in times else [elapsed_ms for elapsed_ms in times if elapsed_ms != NO_TIME_MS]
    return Addition((len(times),), (timed,))


def _hovers(left: Sequence[int], clicked: Sequence[int]) -> Addition:
    return Addition((len(left), len(clicked)), (left, clicked))
