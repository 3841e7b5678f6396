"""Durations as a report tells them."""

from typing import Final

from google.protobuf.duration_pb2 import Duration
from live.eventmanager.v1.analytics_service_pb2 import DurationStats

from eventmanager.durations import Durations

_NANOS_PER_MS: Final = 1_000_000
_NANOS_PER_SECOND: Final = 1_000_000_000


def stats_of(durations: Durations) -> DurationStats | None:
    """Sum durations up: exact count, total and, to the nanosecond, mean; None where there are none."""
    count = durations.count
    if not count:
        return None
    total_ns = durations.total_ms * _NANOS_PER_MS
    return DurationStats(
        count=count,
        total=_of_nanos(total_ns),
        average=_of_nanos((2 * total_ns + count) // (2 * count)),  # Rounded in integers: floats are not exact.
        median=_quantile(durations, 0.5),
        p90=_quantile(durations, 0.9),
        p95=_quantile(durations, 0.95),
    )


def duration_of(elapsed_ms: int) -> Duration:
    """Return milliseconds as a message."""
    return _of_nanos(elapsed_ms * _NANOS_PER_MS)


def _quantile(durations: Durations, share: float) -> Duration:
    return _of_nanos(round(durations.quantile_ms(share) * _NANOS_PER_MS))


def _of_nanos(nanos: int) -> Duration:
    return Duration(seconds=nanos // _NANOS_PER_SECOND, nanos=nanos % _NANOS_PER_SECOND)
