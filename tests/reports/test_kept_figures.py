"""What reports keep from one question to the next changes no answer, and takes no more memory than it may."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any, Final

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    PLATFORM_DIMENSION_BROWSER,
    DateRange,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event, Platform

from eventmanager.reports import figures, recounted_visitors, totals
from eventmanager.reports.kept import Kept
from tests.conftest import StartServer
from tests.reports.visits import clicked, entered, hovered, make_app, send, viewed

DAYS: Final = ("2026-06-13", "2026-06-14", "2026-06-15", "2026-06-16", "2026-06-17")
ASKED: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("QueryStageUsers", {}),
    ("QueryStageTimes", {}),
    ("QueryConversion", {}),
    ("QueryButtonActions", {"page_size": 2}),
    ("QueryPageViews", {}),
    ("QueryPageViews", {"url": "/1"}),
    ("QueryClickTargets", {"page_size": 3}),
    ("QueryTraffic", {}),
)
WHOLE: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("QueryStageGraph", {}),
    ("QueryPlatforms", {"dimension": PLATFORM_DIMENSION_BROWSER}),
)


def draw_events(random: Random, names: Sequence[str]) -> list[Event]:
    """Draw what some visitors do on some day."""
    time = f"{random.choice(DAYS)}T{random.randrange(10):02}:00"
    events = []
    for name in names:
        visitor, place = f"u{random.randrange(8)}", random.randrange(3)
        events.append(
            random.choice(
                (
                    clicked(visitor, f"b{place}", time, url=f"/{random.randrange(3)}", elapsed_s=random.randrange(9)),
                    entered(visitor, place, time, left=random.randrange(3), elapsed_s=random.randrange(9)),
                    viewed(visitor, f"/{place}", time, left="/0", elapsed_s=random.randrange(9)),
                    hovered(visitor, f"h{place}", random.randrange(9), time, clicks=random.random() < 0.5),
                )
            )
        )
        events[-1].event_id = name
        events[-1].platform.CopyFrom(Platform(browser=random.choice(("Firefox", "Chrome", ""))))
    return events


async def answers(channel: grpc.aio.Channel, first: str) -> list[Any]:
    """Ask everything about the days from one on, all pages, and return what was answered but for `info`."""
    stub = AnalyticsServiceStub(channel)
    days = DateRange(start_date=first, end_date=DAYS[-1])
    asked = [
        *((method, fields | {"interval": interval}) for method, fields in ASKED for interval in
          (INTERVAL_UNSPECIFIED, INTERVAL_DAY, INTERVAL_WEEK)),
        *WHOLE,
    ]  # fmt: skip
    told = []
    for method, fields in asked:
        request = getattr(analytics, f"{method}Request")(app="shop", date_range=days, **fields)
        while True:
            response = await getattr(stub, method)(request)
            response.ClearField("info")
            told.append((method, fields, response))
            if not getattr(response, "next_page_token", ""):
                break
            request.page_token = response.next_page_token
            response.ClearField("next_page_token")
    return told


@pytest.mark.parametrize("kept_bytes", [0, 3_000, 1_000_000])
@pytest.mark.parametrize("seed", range(2))
async def test_kept_figures_are_those_of_now(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch, kept_bytes: int, seed: int
) -> None:
    """Days are counted again, get late events and are counted again, and are asked about all the while: every answer is
    that of a server that keeps nothing and counts nothing again. Also where most of what is kept has to go at once.
    """
    monkeypatch.setattr(figures, "Kept", partial(Kept, kept_bytes))
    monkeypatch.setattr(recounted_visitors, "MOST_UNITED", 3)
    monkeypatch.setattr(recounted_visitors, "UNITED_AT_ONCE", 1)
    monkeypatch.setattr(recounted_visitors, "FEWEST_OF_EACH", 0)
    monkeypatch.setattr(totals, "MAX_KEPT_ROWS", 4)
    random = Random(seed)
    audited, live = await start_server(), await start_server()
    async with (
        grpc.aio.insecure_channel(audited.address) as counting,
        grpc.aio.insecure_channel(live.address) as plain,
    ):
        for channel in (counting, plain):
            await make_app(channel, "shop", shard_count=4)
        for step in range(5):
            events = draw_events(random, [f"{step}-{number}" for number in range(random.randint(1, 12))])
            for channel in (counting, plain):
                await send(channel, "shop", events)
            asked = random.choice(DAYS)

            assert await answers(plain, asked) == await answers(counting, asked)

            first = random.choice(DAYS)
            days = DateRange(start_date=first, end_date=random.choice([day for day in DAYS if day >= first]))
            async for _ in AdminServiceStub(counting).AuditDays(AuditDaysRequest(app="shop", date_range=days)):
                pass

            assert await answers(plain, DAYS[0]) == await answers(counting, DAYS[0])


@given(
    st.integers(0, 20_000),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9_000)), max_size=40),
)
def test_what_is_kept_is_bounded(most_bytes: int, values: list[tuple[int, int]]) -> None:
    """Whatever is kept, all of it takes no more than it may; what is there is the last of its name."""
    kept = Kept(most_bytes)
    latest: dict[int, int] = {}
    for name, size_bytes in values:
        kept.keep(name, size_bytes, size_bytes)
        latest[name] = size_bytes

        assert kept.size_bytes <= most_bytes
    there = {name: kept.get(name) for name in latest if kept.get(name) is not None}

    assert there.items() <= latest.items()
    assert sum(there.values()) <= kept.size_bytes


def test_the_least_lately_used_goes_first() -> None:
    """What is asked for stays."""
    kept = Kept(3_000)
    for name in "abc":
        kept.keep(name, name.upper(), 400)
    kept.get("a")
    kept.keep("d", "D", 400)

    assert ["A", None, "C", "D"] == [kept.get(name) for name in "abcd"]
    kept.keep("a", "too large", 3_000)
    assert [None, None, "C", "D"] == [kept.get(name) for name in "abcd"]
