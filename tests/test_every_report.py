"""Whatever is sent, every answer and every report is what a naive recount says."""

import asyncio
import os
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live.eventmanager.v1.admin_service_pb2 import CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import Interval

from eventmanager.config import Config
from eventmanager.server import start
from tests.every_report import Dashboard
from tests.recount.acknowledged import Acknowledged
from tests.recount.days import DAY
from tests.sending import acknowledge, send
from tests.traffic import SEASONS, Season, Traffic, draw_traffic

EXAMPLES = int(os.environ.get("EVENTMANAGER_TEST_EXAMPLES", "16"))
"""How many times traffic is drawn for each test: more to search for longer."""
STORES = ("sqlite::memory:", "sqlite:file")
ALL_INTERVALS = tuple(Interval.values())


class Asked(NamedTuple):
    """What is asked beside all days at once: some days, `length` and one of them, and by how many rows a page."""

    first_offset: int
    length: int
    page_size: int


async def differences(store: str, traffic: Traffic, asked: Asked) -> list[str]:
    """Send traffic, and say in what the answers or any report differ from what they must be."""
    with TemporaryDirectory() as directory:
        address = store.replace("file", str(Path(directory) / "events.db"))
        server = await start(Config(listen="127.0.0.1:0", store=address), lambda: float(traffic.now_s))
        async with grpc.aio.insecure_channel(server.address) as channel:
            found = await _differences(channel, traffic, asked)
        await server.stop(1)
        return found


async def _differences(channel: grpc.aio.Channel, traffic: Traffic, asked: Asked) -> list[str]:
    acknowledged = Acknowledged({app.app: app for app in traffic.apps})
    admin = AdminServiceStub(channel)
    for app in traffic.apps:
        await admin.CreateApp(CreateAppRequest(app=app))
    actual = await asyncio.gather(*(send(channel, lane) for lane in traffic.lanes))
    expected = [acknowledge(acknowledged, lane) for lane in traffic.lanes]
    found = [
        f"request {number} of {lane_number}: {wanted} wanted, {there} there"
        for lane_number, lanes in enumerate(zip(expected, actual, strict=True))
        for number, (wanted, there) in enumerate(zip(*lanes, strict=True))
        if wanted != there
    ]
    for app in traffic.apps:
        first, last = traffic.range_of(app)
        found += await Dashboard(channel, acknowledged, app, first, last).differences(ALL_INTERVALS)
        some_first = last - asked.first_offset * DAY
        some_last = min(last, some_first + asked.length * DAY)
        some = Dashboard(channel, acknowledged, app, some_first, some_last, asked.page_size)
        found += await some.differences([Interval.INTERVAL_UNSPECIFIED, Interval.INTERVAL_WEEK])
    return found


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    random=st.randoms(use_true_random=False),
    season=st.sampled_from(SEASONS),
    asked=st.builds(Asked, st.integers(0, 12), st.integers(0, 8), st.integers(1, 5)),
)
def test_a_little_traffic(store: str, random: Random, season: Season, asked: Asked) -> None:
    """Few requests of few events are answered and reported as the recount says."""
    traffic = draw_traffic(random, season, lanes=2, most_requests=4, most_events=5)

    assert [] == asyncio.run(differences(store, traffic, asked))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("seed", range(EXAMPLES // 8))
async def test_much_traffic(store: str, seed: int) -> None:
    """Many requests of many events, side by side, are answered and reported as the recount says."""
    random = Random(seed)
    traffic = draw_traffic(random, random.choice(SEASONS), lanes=5, most_requests=20, most_events=40)

    assert [] == await differences(
        store, traffic, Asked(random.randrange(12), random.randrange(8), random.randint(2, 30))
    )
