"""Durations, looked at one by one."""

import math
from collections.abc import Sequence
from fractions import Fraction

from google.protobuf.duration_pb2 import Duration
from live.eventmanager.v1.analytics_service_pb2 import DurationStats


def elapsed_ms(elapsed: Duration) -> int:
    """Return whole milliseconds, rounded down."""
    return (elapsed.seconds * 1_000_000_000 + elapsed.nanos) // 1_000_000


def duration_of(nanoseconds: int) -> Duration:
    """Return nanoseconds, zero or more, as a Duration."""
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return Duration(seconds=seconds, nanos=nanos)


def as_duration(milliseconds: int | Fraction) -> Duration:
    """Return milliseconds as a Duration, to the nearest nanosecond."""
    return duration_of(round(milliseconds * 1_000_000))


def stats_of(times_ms: Sequence[int]) -> DurationStats | None:
    """Sum durations up; None where there are none."""
    if not times_ms:
        return None
    return DurationStats(
        count=len(times_ms),
        total=as_duration(sum(times_ms)),
        average=as_duration(Fraction(sum(times_ms), len(times_ms))),
        median=as_duration(_exceeded_by_few(times_ms, 50)),
        p90=as_duration(_exceeded_by_few(times_ms, 90)),
        p95=as_duration(_exceeded_by_few(times_ms, 95)),
    )


def _exceeded_by_few(times_ms: Sequence[int], percent: int) -> int:
    """Return the shortest of the durations that is no shorter than so many in a hundred of them."""
    return sorted(times_ms)[math.ceil(Fraction(percent * len(times_ms), 100)) - 1]


def correlation_of(clicks_ms: Sequence[int], leaves_ms: Sequence[int]) -> float | None:
    """Return Pearson's correlation of the time and of 1 for a click and 0 for leaving; None where it has none."""
    pairs = [(Fraction(time_ms), Fraction(1)) for time_ms in clicks_ms]
    pairs += [(Fraction(time_ms), Fraction(0)) for time_ms in leaves_ms]
    if not clicks_ms or not leaves_ms or len({time_ms for time_ms, _ in pairs}) == 1:
        return None
    mean_time = sum(time_ms for time_ms, _ in pairs) / len(pairs)
    mean_click = sum(click for _, click in pairs) / len(pairs)
    together = sum((time_ms - mean_time) * (click - mean_click) for time_ms, click in pairs)
    time_spread = sum((time_ms - mean_time) ** 2 for time_ms, _ in pairs)
    click_spread = sum((click - mean_click) ** 2 for _, click in pairs)
    return float(together) / math.sqrt(time_spread * click_spread)
