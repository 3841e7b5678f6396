"""Fills days of a store by direct commits: what a server would store, without the time to draw and to send it all.

One day's events are drawn and happen again on every day, with other visitors in the parts. A visitor of this shop is
about for six days, and comes on two of them on average.
"""

import asyncio
import datetime
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from live.eventmanager.storage.v1.block_pb2 import SerializedEvents
from live.eventmanager.v1.event_pb2 import Event

from benchmark.commits import as_folded
from benchmark.expected import Expected
from benchmark.steps import bench_app, bench_validator
from benchmark.traffic import Hours, Traffic
from eventmanager.blocks import Block
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.preparation.block_writer import BlockWriter
from eventmanager.store.protocol import BlockOutcome, Store

_EVENTS_A_REQUEST: Final = 1_000
_EVENTS_A_COMMIT: Final = 20_000
_DAY_S: Final = 86_400
_REMEMBERED_IDS: Final = 1_000
_ABOUT: Final = 3
"""Of so many visitors who are about on a day, one comes,"""
_STAY_DAYS: Final = 6
"""and each is about for so many days."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What reports must say of all the days, and of the last alone; and a visitor of the last."""

    all_days: Expected
    last_day: Expected
    visitor: str


async def fill_days(
    store: Store, dates: Sequence[datetime.date], day_events: int, seed: int, progress: Callable[[str], None]
) -> Filled:
    """Commit so many events for each of the days, of an app that is made for it."""
    app = bench_app()
    await store.create_app(app.settings)
    traffic = Traffic(seed, day_events, Hours(_start_s(dates[0]), _DAY_S))
    events = list(traffic)
    places = {visitor: place for place, visitor in enumerate(traffic.visitors)}
    parts = [places[event.device_id] for event in events]
    entered = {(event.funnel_change.entered, part) for event, part in zip(events, parts, strict=True) if _enters(event)}
    taking_part = sorted(set(parts))
    visitors: set[int] = set()
    stage_visitors: set[tuple[int, int]] = set()
    cast: Sequence[int] = ()
    for number in range(len(dates)):
        progress(f"filling day {number + 1} of {len(dates)}")
        cast = _cast(seed, number, len(places))
        await asyncio.to_thread(_move, events, [_name(cast[part]) for part in parts], _DAY_S if number else 0)
        await _commit(store, events)
        visitors.update(cast[part] for part in taking_part)
        stage_visitors.update((stage, cast[part]) for stage, part in entered)
    drawn = traffic.expected
    return Filled(
        all_days=Expected(
            clicks=drawn.clicks * len(dates),
            url_changes=drawn.url_changes * len(dates),
            btn_times=drawn.btn_times * len(dates),
            funnel_changes=drawn.funnel_changes * len(dates),
            visitors=len(visitors),
            stage_visitors=len(stage_visitors),
        ),
        last_day=drawn,
        visitor=_name(cast[parts[0]]),
    )


def _move(events: Sequence[Event], names: Sequence[str], seconds: int) -> None:
    """Give events other visitors, and have them happen later."""
    for event, name in zip(events, names, strict=True):
        event.device_id = name
        event.timestamp.seconds += seconds


def _enters(event: Event) -> bool:
    return event.HasField("funnel_change")


def _cast(seed: int, day: int, parts: int) -> Sequence[int]:
    """Choose who plays each part on a day."""
    first = day * parts * _ABOUT // _STAY_DAYS
    return random.Random(seed + day).sample(range(first, first + parts * _ABOUT), parts)


def _name(visitor: int) -> str:
    return f"{visitor * 0x9E3779B97F4A7C15 % (1 << 64):016x}.{visitor}"


async def _commit(store: Store, events: Sequence[Event]) -> None:
    memory = Memory(_REMEMBERED_IDS)  # No event comes twice.
    async with asyncio.TaskGroup() as tasks:
        committing: asyncio.Task[list[BlockOutcome]] | None = None
        commits = _commits(events)
        # In a thread: what the store does by itself meanwhile must not wait for seconds.
        while blocks := await asyncio.to_thread(next, commits, ()):
            facts = await asyncio.to_thread(fold, blocks, memory)
            memory.keep()
            if committing is not None:
                await committing
            committing = tasks.create_task(store.commit(blocks, set(), partial(as_folded, facts)))
            await asyncio.sleep(0)  # It begins, and the next one is made meanwhile.


def _commits(events: Sequence[Event]) -> Iterator[Sequence[Block]]:
    app, validator, writer, now_s = bench_app(), bench_validator(), BlockWriter(), time.time()
    group: list[Block] = []
    for start in range(0, len(events), _EVENTS_A_REQUEST):
        some = events[start : start + _EVENTS_A_REQUEST]
        sent = SerializedEvents(events=[event.SerializeToString() for event in some])
        for admitted in validator.admit(app, some, str, now_s).admitted:
            group += (block for block, _ in writer.write(admitted, sent, b""))
        if start + _EVENTS_A_REQUEST >= len(events) or (start + _EVENTS_A_REQUEST) % _EVENTS_A_COMMIT == 0:
            yield group
            group = []


def _start_s(date: datetime.date) -> int:
    return int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
