"""A server on Cassandra is killed in the middle of a load: what it acknowledged is there and counted once."""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Final

import grpc
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_DAY, INTERVAL_UNSPECIFIED
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.store.cassandra.address import CassandraAddress
from tests.every_report import Dashboard
from tests.recount.acknowledged import Acknowledged, SentEvent
from tests.recount.days import DAY, date_of
from tests.server_process import start_process
from tests.test_crashes import Load, counted_requests, templates_of

CRASHES: Final = 4
OF_TOTALS: Final = ("traffic", "stage times", "button actions", "page views", "click targets")
"""Reports that may lack what a server had stored, not yet acknowledged, and not yet added when it was killed."""


async def differences_after(load: Load, channel: grpc.aio.Channel) -> list[str]:
    """Send again what was not answered, and say in what the server's figures are not as they must be."""
    counted = await counted_requests(channel, load.app)
    found = [f"request {number} is lost" for number in load.answered if number not in counted]
    ingest = IngestServiceStub(channel)
    for number in load.unanswered:
        request = IngestEventsRequest(app=load.app.app, events=load.sent[number], resent=True)
        outcome = (await ingest.IngestEvents(request)).outcome
        if outcome.stored_count + len(outcome.duplicate_indexes) != len(load.sent[number]):
            found.append(f"request {number}, sent again: {outcome}")
    acknowledged = Acknowledged({load.app.app: load.app})
    for events in load.sent:
        acknowledged.take(load.app.app, [SentEvent(event) for event in events])
    today = date_of(int(time.time()), load.app.time_zone)
    dashboard = Dashboard(channel, acknowledged, load.app, today - 20 * DAY, today + DAY)
    differences = await dashboard.differences([INTERVAL_UNSPECIFIED, INTERVAL_DAY])
    return found + [text for text in differences if not text.startswith(OF_TOTALS)]


async def test_killed_in_the_middle_of_a_load(own_address: CassandraAddress, tmp_path: Path) -> None:
    """All that was acknowledged counts. Once the rest is sent again log and sets have every event and visitor."""
    random = Random(7)
    found: list[str] = []
    server = await start_process(str(own_address), tmp_path / "first.log")
    for crash in range(CRASHES):
        app = App(app=f"app-{crash}", time_zone="Europe/Vienna", shard_count=4, retention_days=30)
        async with grpc.aio.insecure_channel(server.address) as channel:
            await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=app))
        load = Load(app, templates_of(app, random), enough_answers=random.randint(1, 50))
        running = asyncio.create_task(load.run(server.address))
        await load.is_under_way.wait()
        await server.kill()
        await running
        server = await start_process(str(own_address), tmp_path / f"{crash}.log")
        async with grpc.aio.insecure_channel(server.address) as channel:
            found += await differences_after(load, channel)
    status = await server.stop()

    assert [] == found
    assert 0 == status
