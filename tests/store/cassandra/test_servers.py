"""Servers on Cassandra, as their callers see them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, GetAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import Interval
from live.eventmanager.v1.event_pb2 import Event, UrlChange

from eventmanager.client import EventSender
from eventmanager.config import Config
from eventmanager.server import start
from eventmanager.store.cassandra.address import CassandraAddress, parse_address
from tests.cassandra_nodes import CassandraNodes, started
from tests.every_report import Dashboard
from tests.failures import failure_of
from tests.recount.acknowledged import Acknowledged
from tests.sending import acknowledge, send
from tests.traffic import SEASONS, Traffic, draw_traffic

INTERVALS = (Interval.INTERVAL_UNSPECIFIED, Interval.INTERVAL_DAY)
EXAMPLES = max(2, int(os.environ.get("EVENTMANAGER_TEST_EXAMPLES", "16")) // 8)


@asynccontextmanager
async def serving(address: CassandraAddress, now: Callable[[], float]) -> AsyncIterator[grpc.aio.Channel]:
    """Run a server, and connect to it."""
    server = await start(Config(listen="127.0.0.1:0", store=str(address)), now)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield channel
    finally:
        await server.stop(1)


async def wrong_reports(channel: grpc.aio.Channel, traffic: Traffic, acknowledged: Acknowledged) -> list[str]:
    """Say in what any report differs from the recount."""
    return [
        difference
        for app in traffic.apps
        for difference in await Dashboard(channel, acknowledged, app, *traffic.range_of(app)).differences(INTERVALS)
    ]


@pytest.mark.parametrize("seed", range(EXAMPLES))
async def test_two_servers_share_the_work(own_address: CassandraAddress, seed: int) -> None:
    """One load is spread over both, and then every request is sent again to the other: nothing counts twice.

    Each visitor is one server's, as the steps of one visitor without `left` are only put in order by one process.
    """
    random = Random(seed)
    traffic = draw_traffic(random, random.choice(SEASONS), lanes=4, most_requests=8, most_events=15)
    acknowledged = Acknowledged({app.app: app for app in traffic.apps})
    async with serving(own_address, lambda: traffic.now_s) as one, serving(own_address, lambda: traffic.now_s) as other:
        for app in traffic.apps:
            await AdminServiceStub(one).CreateApp(CreateAppRequest(app=app))
        sent = await asyncio.gather(
            *(send((one, other)[number % 2], lane) for number, lane in enumerate(traffic.lanes))
        )

        assert [acknowledge(acknowledged, lane) for lane in traffic.lanes] == sent
        for channel in (one, other):
            assert [] == await wrong_reports(channel, traffic, acknowledged)

        resent = [
            [replace(sending, resent=True) for sending in lane if not sending.validate_only] for lane in traffic.lanes
        ]
        sent = await asyncio.gather(*(send((other, one)[number % 2], lane) for number, lane in enumerate(resent)))

        assert [acknowledge(acknowledged, lane) for lane in resent] == sent
        for channel in (one, other):
            differences = await wrong_reports(channel, traffic, acknowledged)
            # Edges of events without `left` depend on what else a process has seen.
            assert [] == [text for text in differences if not text.startswith(("stage graph", "omitted edges"))]


async def test_what_another_process_sent_is_known(own_address: CassandraAddress) -> None:
    """A sender that says that it was sent before has it looked up, by a server that never saw it."""
    events = [Event(event_id=f"{number}", device_id="u1", url_change=UrlChange(to_url="/home")) for number in range(3)]
    for event in events:
        event.timestamp.FromSeconds(1_781_697_600)
    config = Config(listen="127.0.0.1:0", store=str(own_address), allow_new_apps=True)
    outcomes = []
    for sent_before in (False, True):
        server = await start(config, lambda: 1_781_697_700)
        try:
            async with EventSender(server.address, "shop", sent_before=sent_before) as sender:
                outcome = await sender.send(events)
                outcomes.append((outcome.stored_count, list(outcome.duplicate_indexes)))
        finally:
            await server.stop(1)

    assert [(3, []), (0, [0, 1, 2])] == outcomes


async def test_a_server_waits_for_its_store(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It starts, says UNAVAILABLE with RetryInfo and NOT_SERVING, and serves as soon as the node is there."""
    nodes = CassandraNodes(tmp_path / "cassandra", careless=True)
    async with serving(parse_address(nodes.address("shop")), lambda: 0) as channel:
        admin = AdminServiceStub(channel)
        health: Any = health_pb2_grpc.HealthStub(channel)  # Its types know of no methods.
        watch = health.Watch(health_pb2.HealthCheckRequest())

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await admin.GetApp(GetAppRequest(app="shop"))

        failure = failure_of(refused.value)

        assert (grpc.StatusCode.UNAVAILABLE, True) == (failure.code, failure.may_be_sent_again)
        assert "no node of" in (refused.value.details() or "")
        assert health_pb2.HealthCheckResponse.NOT_SERVING == (await watch.read()).status

        await asyncio.to_thread(started, nodes, request)
        try:
            async with asyncio.timeout(60):
                assert health_pb2.HealthCheckResponse.SERVING == (await watch.read()).status

            await admin.CreateApp(CreateAppRequest(app=App(app="shop")))

            assert "UTC" == (await admin.GetApp(GetAppRequest(app="shop"))).app.time_zone
        finally:
            await asyncio.to_thread(nodes.stop)
