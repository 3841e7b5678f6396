"""Blocks made by hand, and their facts."""

import datetime
from collections.abc import Sequence
from typing import Final

from live.eventmanager.v1.event_pb2 import BTN_ACTION_HOVER_THEN_CLICKED, BTN_ACTION_HOVER_THEN_LEAVE

from eventmanager.blocks import Block, Day, Partition
from eventmanager.events import BTN_TIME, CLICK, FUNNEL_CHANGE, NO_STAGE, URL_CHANGE, EventRow, Platform
from eventmanager.facts import Facts
from eventmanager.fold import fold
from eventmanager.memory import Memory

DATE: Final = datetime.date(2026, 11, 24)
_FIREFOX: Final = Platform("Firefox", "Linux", "PC")
_NANOSECONDS: Final = 10**9


def entered(user: str, stage: int, elapsed_ms: int, *, left: int = NO_STAGE, hour: int = 9) -> EventRow:
    """A visitor enters a stage."""
    return (FUNNEL_CHANGE, user, f"{user}-{stage}-{elapsed_ms}", _at(hour), hour, _FIREFOX, stage, left, elapsed_ms)


def hovered(user: str, target: str, elapsed_ms: int, *, clicked: bool) -> EventRow:
    """A visitor hovers over a button, and then leaves it or clicks."""
    action = BTN_ACTION_HOVER_THEN_CLICKED if clicked else BTN_ACTION_HOVER_THEN_LEAVE
    return (BTN_TIME, user, f"{user}-{target}-{elapsed_ms}", _at(9), 9, _FIREFOX, target, action, elapsed_ms)


def clicked(user: str, url: str, target: str, elapsed_ms: int) -> EventRow:
    """A visitor clicks on something of a page."""
    return (CLICK, user, f"{user}-{url}-{target}-{elapsed_ms}", _at(9), 9, _FIREFOX, url, target, elapsed_ms)


def viewed(user: str, to_url: str, from_url: str, elapsed_ms: int) -> EventRow:
    """A visitor goes from one page to another."""
    return (URL_CHANGE, user, f"{user}-{to_url}-{elapsed_ms}", _at(9), 9, _FIREFOX, to_url, from_url, elapsed_ms)


def block(day: Day, name: str, *rows: EventRow, shard: int = 0, expire_time_s: int = 0, payload: bytes = b"") -> Block:
    """Make a block; the name, of at most 16 letters, is its id."""
    return Block.of(Partition(*day, shard), name.encode().ljust(16), rows, payload or name.encode(), expire_time_s)


def facts_of(blocks: Sequence[Block]) -> Facts:
    """Fold blocks as a process does that has seen nothing before."""
    return fold(blocks, Memory(1_000))


def _at(hour: int) -> int:
    midnight = datetime.datetime.combine(DATE, datetime.time(), datetime.UTC)
    return (int(midnight.timestamp()) + hour * 3_600) * _NANOSECONDS
