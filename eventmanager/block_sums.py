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
StageEntered: TypeAlias = tuple[str, str, int, int, int, int]
"""device_id, event_id, time_ns, entered, left or NO_STAGE, elapsed_ms or NO_TIME_MS, as in EventRow."""


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
    visitors: Sequence[str]
    platforms: Sequence[Platform]
    """Who was there and, by the same positions, with what: once, or again for each time that it had changed."""
    stages: Sequence[StageEntered]
    """The changes of stage, in the order of events: what they say depends on those before."""


def sum_up(rows: Iterable[EventRow]) -> BlockSums:
    """Sum up events."""
    by_hour: defaultdict[int, int] = defaultdict(int)
    clicks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    views: defaultdict[str, int] = defaultdict(int)
    page_times: defaultdict[str, list[int]] = defaultdict(list)
    hovers_left: defaultdict[str, list[int]] = defaultdict(list)
    hovers_clicked: defaultdict[str, list[int]] = defaultdict(list)
    platform_of: dict[str, Platform] = {}
    visitors: list[str] = []
    platforms: list[Platform] = []
    stages: list[StageEntered] = []
    for kind, user, event_id, time_ns, hour, platform, subject, detail, elapsed_ms in rows:
        if platform_of.get(user) is not platform:
            platform_of[user] = platform
            visitors.append(user)
            platforms.append(platform)
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
            stages.append((user, event_id, time_ns, subject, detail, elapsed_ms))
    return BlockSums(by_hour, clicks, views, page_times, hovers_left, hovers_clicked, visitors, platforms, stages)


def identities_of(rows: Iterable[EventRow]) -> list[str]:
    """Return for each event a text that tells it from all others of its partition."""
    return [f"{len(row[2])}:{row[2]}{row[1]}" for row in rows]
