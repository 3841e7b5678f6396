"""Durations as reports tell them."""

from google.protobuf.duration_pb2 import Duration
from live.eventmanager.v1.analytics_service_pb2 import DurationStats

from eventmanager.durations import Durations
from eventmanager.reports.duration_stats import stats_of


def test_durations_are_summed_up() -> None:
    """Count, total and mean are exact, the mean to the nearest nanosecond."""
    assert DurationStats(
        count=3,
        total=Duration(seconds=2, nanos=20_000_000),
        average=Duration(nanos=673_333_333),
        median=Duration(nanos=10_000_000),
        p90=Duration(seconds=2, nanos=16_000_000),
        p95=Duration(seconds=2, nanos=16_000_000),
    ) == stats_of(Durations.of([0, 10, 2_010]))


def test_the_mean_is_rounded_to_the_nearest_nanosecond() -> None:
    """Two thirds of a nanosecond make a whole one."""
    stats = stats_of(Durations.of([1, 1, 0]))

    assert stats is not None
    assert Duration(nanos=666_667) == stats.average


def test_a_mean_of_many_is_exact() -> None:
    """No float stands between: sums beyond 53 bits keep their last digits."""
    durations = Durations.of([1])
    durations.merge(Durations.of([2**31]))
    for _ in range(40):
        durations.merge(durations)
    stats = stats_of(durations)

    assert stats is not None
    assert Duration(seconds=1_073_741, nanos=824_500_000) == stats.average


def test_no_durations_are_absent() -> None:
    """Where there are none, there is nothing to tell."""
    assert stats_of(Durations()) is None
