"""What a block's events say by themselves, summed up as far as it depends on no other block.

A hot path of ingest, so it is one pass with local names, and no call or object for an event that could be saved.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from live.eventmanager.v1.event_pb2 import BTN_ACTION_HOVER_THEN_LEAVE

from eventmanager.events import BTN_TIME, CLICK, URL_CHANGE, EventRow, Platform

KINDS: Final = 4

Times: TypeAlias = Mapping[str, Sequence[int]]
"""Elapsed milliseconds, one by one, by target or page."""
Stage: TypeAlias = tuple[int, str, int]
"""A stage that a visitor entered: time_ns and event_id, by which a visitor's events are in order, and which it is."""
StageEntered: TypeAlias = tuple[str, Stage, int]
"""device_id, the stage, and the one left or NO_STAGE, as in EventRow."""


class BlockSums(NamedTuple):
    """What some events of one partition say."""

    by_hour: Mapping[int, int]
    """How many there are, by hour * KINDS + kind."""
    clicks: Mapping[tuple[str, str], Sequence[int]]
    """By URL and target the times of clicks, NO_TIME_MS for one without."""
    views: Mapping[str, int]
    """How often a URL was gone to."""
    page_times: Times
    """By URL how long it was looked at."""
    hovers_left: Times
    hovers_clicked: Times
    """By target the times of hovers that ended so."""
    stage_times: Mapping[int, Sequence[int]]
    """How long visitors were on the stage left or, where that was not told, entered; NO_TIME_MS for one without."""
    stage_users: Mapping[int, set[str]]
    """Who entered a stage."""
    moves: Mapping[tuple[int, int], set[str]]
    """Who went from a stage to another, as far as that was told."""
    visitors: Mapping[Platform, set[str]]
    """Who was there with a platform."""
    stages: Sequence[StageEntered]
    """The changes of stage, in the order of events: where the stage left was not told, it is known by those before."""


def sum_up(rows: Iterable[EventRow]) -> BlockSums:
    """Sum up events."""
    by_hour: defaultdict[int, int] = defaultdict(int)
    clicks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    views: defaultdict[str, int] = defaultdict(int)
    page_times: defaultdict[str, list[int]] = defaultdict(list)
    hovers_left: defaultdict[str, list[int]] = defaultdict(list)
    hovers_clicked: defaultdict[str, list[int]] = defaultdict(list)
    stage_times: defaultdict[int, list[int]] = defaultdict(list)
    stage_users: defaultdict[int, set[str]] = defaultdict(set)
    moves: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    visitors: defaultdict[Platform, set[str]] = defaultdict(set)
    stages: list[StageEntered] = []
    for kind, user, event_id, time_ns, hour, platform, subject, detail, elapsed_ms in rows:
        visitors[platform].add(user)
        by_hour[hour * KINDS + kind] += 1
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
            stage_times[detail if detail >= 0 else subject].append(elapsed_ms)
            stage_users[subject].add(user)
            if 0 <= detail != subject:
                moves[detail, subject].add(user)
            stages.append((user, (time_ns, event_id, subject), detail))
    return BlockSums(
        by_hour, clicks, views, page_times, hovers_left, hovers_clicked,
        stage_times, stage_users, moves, visitors, stages,
    )  # fmt: skip


def identities_of(rows: Iterable[EventRow]) -> list[str]:
    """Return for each event a text that tells it from all others of its partition."""
    return [f"{len(row[2])}:{row[2]}{row[1]}" for row in rows]
