"""How hovers over buttons end: the figures that are reckoned from sums and buckets alone."""

import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from live.eventmanager.v1.analytics_service_pb2 import DurationBand

from eventmanager.durations import Durations
from eventmanager.reports.button_actions import click_correlation, duration_bands
from eventmanager.reports.duration_stats import duration_of

TIMES_MS = st.lists(st.integers(min_value=0, max_value=30 * 86_400_000), max_size=30)


@given(TIMES_MS, TIMES_MS)
@example([1_000], [2_000])
@example([0, 0, 0], [1])
def test_the_correlation_is_pearsons(leaves_ms: list[int], clicks_ms: list[int]) -> None:
    """It is as if each hover were looked at: by its time, and by 1 for a click and 0 for leaving."""
    times_ms = leaves_ms + clicks_ms
    correlation = click_correlation(Durations.of(leaves_ms), Durations.of(clicks_ms))
    if not leaves_ms or not clicks_ms or len(set(times_ms)) == 1:
        assert correlation is None
    else:
        clicked = [0] * len(leaves_ms) + [1] * len(clicks_ms)

        assert pytest.approx(statistics.correlation(times_ms, clicked), rel=1e-6, abs=1e-6) == correlation
        assert correlation is not None
        assert -1 <= correlation <= 1


def test_a_perfect_correlation_is_one() -> None:
    """Where all clicks take one time and all leaves another, nothing but their order matters."""
    some, others = Durations.of([1_000] * 3), Durations.of([3_000] * 7)

    assert 1.0 == click_correlation(some, others)
    assert -1.0 == click_correlation(others, some)


@given(TIMES_MS, TIMES_MS)
@example([0, 127, 128, 255, 256], [127, 255, 511, 512])
def test_bands_double(leaves_ms: list[int], clicks_ms: list[int]) -> None:
    """Hovers fall into bands that begin at 0, 128 ms, 256 ms and so on; those without hovers are left out."""
    expected = []
    for shortest_ms, longest_ms in [(0, 128)] + [(128 << octave, 256 << octave) for octave in range(26)]:
        clicks = sum(shortest_ms <= time_ms < longest_ms for time_ms in clicks_ms)
        hits = clicks + sum(shortest_ms <= time_ms < longest_ms for time_ms in leaves_ms)
        if hits:
            band = DurationBand(
                min_time=duration_of(shortest_ms),
                max_time=duration_of(longest_ms),
                hits=hits,
                click_share=clicks / hits,
            )
            expected.append(band)

    assert expected == duration_bands(Durations.of(leaves_ms), Durations.of(clicks_ms))
