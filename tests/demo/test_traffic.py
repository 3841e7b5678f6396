"""The demo's traffic: drawn from its model, the same for the same seed, and worth looking at."""

from collections import defaultdict
from itertools import pairwise

import pytest
from live.eventmanager.v1.event_pb2 import BTN_ACTION_HOVER_THEN_CLICKED, Event

from eventmanager.demo.shop import STAGES
from eventmanager.demo.traffic import DAY_MS, draw_day

NOON_MS = 1_781_697_600_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def day() -> list[Event]:
    return draw_day(NOON_MS, 30_000, 7)


def test_the_same_seed_draws_the_same_day() -> None:
    """A day is a function of its end, its size and its seed."""
    assert draw_day(NOON_MS, 500, 7) == draw_day(NOON_MS, 500, 7)
    assert draw_day(NOON_MS, 500, 7) != draw_day(NOON_MS, 500, 8)


def test_a_day_has_the_events_asked_for_in_order_and_each_with_an_id(day: list[Event]) -> None:
    """Events are those of the last 24 hours, oldest first, none in the future, no id twice."""
    times_ms = [event.timestamp.ToMilliseconds() for event in day]

    assert 30_000 == len(day) == len({event.event_id for event in day})
    assert times_ms == sorted(times_ms)
    assert NOON_MS - DAY_MS <= times_ms[0]
    assert times_ms[-1] <= NOON_MS


def test_two_runs_send_different_events() -> None:
    """The demo run again on the same store adds another day of traffic."""
    first, second = ({event.event_id for event in draw_day(end_ms, 500, 7)} for end_ms in (NOON_MS, NOON_MS + 1))

    assert not first & second


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_at_any_time_of_day_there_is_a_whole_curve(hour: int) -> None:
    """Shortly after midnight as at noon, each of the last 24 hours has some events, and evenings more than nights."""
    end_ms = NOON_MS + hour * HOUR_MS
    by_hour = [0] * 24
    for event in draw_day(end_ms, 10_000, 7):
        by_hour[event.timestamp.ToMilliseconds() // HOUR_MS % 24] += 1

    assert all(by_hour)
    assert sum(by_hour[18:22]) > 4 * sum(by_hour[1:5])


def test_stages_lose_visitors_on_the_way(day: list[Event]) -> None:
    """Fewer visitors reach each stage after the products, and some reach the last."""
    visitors: defaultdict[int, set[str]] = defaultdict(set)
    for event in day:
        if event.HasField("funnel_change"):
            visitors[event.funnel_change.entered].add(event.device_id)
    reached = [len(visitors[stage.stage]) for stage in STAGES]

    assert all(later < earlier for earlier, later in pairwise(reached[2:]))
    assert reached[0] > 5 * reached[-1] > 0


def test_longer_hovers_are_clicked_more_often(day: list[Event]) -> None:
    """Hovers that ended with a click lasted about twice as long as the others."""
    lengths_ms: defaultdict[bool, list[int]] = defaultdict(list)
    for event in day:
        if event.HasField("btn_time"):
            is_clicked = event.btn_time.action == BTN_ACTION_HOVER_THEN_CLICKED
            lengths_ms[is_clicked].append(event.btn_time.elapsed_time.ToMilliseconds())
    average_clicked, average_left = (sum(lengths_ms[key]) / len(lengths_ms[key]) for key in (True, False))

    assert 1.4 < average_clicked / average_left < 2.6


def test_some_products_are_looked_at_far_more_often(day: list[Event]) -> None:
    """Product 1 is looked at about ten times as often as product 10."""
    views: defaultdict[str, int] = defaultdict(int)
    for event in day:
        if event.HasField("url_change"):
            views[event.url_change.to_url] += 1

    assert 6 < views["/product/1"] / views["/product/10"] < 16
