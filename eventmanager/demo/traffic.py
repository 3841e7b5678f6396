"""A day of visits: the 24 hours before an instant, so that at any time of day there is a whole curve to see."""

import math
import random
from typing import Final

from live.eventmanager.v1.event_pb2 import Event

from eventmanager.demo.visits import Visitor

DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_COMES_BACK: Final = 0.2


def draw_day(end_ms: int, event_count: int, seed: int) -> list[Event]:
    """Draw so many events of the 24 hours before an instant in milliseconds since 1970, oldest first, with ids.

    Visits begin as often as `_busyness` says for the hour of the day in UTC, and one visitor in five comes back.
    """
    draw = random.Random(seed)
    events: list[Event] = []
    while len(events) < event_count:
        visitor = Visitor(draw)
        while True:
            visit = visitor.visit(_draw_start(draw, end_ms))
            events += (event for event in visit if event.timestamp.ToMilliseconds() <= end_ms)
            if draw.random() >= _COMES_BACK:
                break
    del events[event_count:]
    events.sort(key=lambda event: event.timestamp.ToNanoseconds())
    for number, event in enumerate(events):
        # Another run at another time sends other events.
        event.event_id = f"{end_ms:x}-{seed:x}-{number:x}"
    return events


def _draw_start(draw: random.Random, end_ms: int) -> int:
    while True:
        start_ms = end_ms - draw.randrange(DAY_MS)
        if draw.random() < _busyness(start_ms / _HOUR_MS % 24):
            return start_ms


def _busyness(hour: float) -> float:
    """Tell how busy an hour of the day is, from 0 to 1: a quiet night, a peak at noon, a higher one in the evening."""
    return 0.08 + 0.5 * math.exp(-(((hour - 12.5) / 2.8) ** 2)) + 0.85 * math.exp(-(((hour - 20) / 2.2) ** 2))
