"""A day of ten million events in one shard is counted again in bounded memory. Runs when asked for: `scripts/test -m
large -s`.
"""

import asyncio
import datetime
import random
import re
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest, AuditDaysResponse
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    PLATFORM_DIMENSION_OS,
    DateRange,
    QueryPlatformsRequest,
    QueryStageUsersRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    UrlChange,
)
from live.eventmanager.v1.ingest_service_pb2 import StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.server_process import ServerProcess, start_process
from tests.traffic import USER_AGENTS

EVENTS: Final = 10_000_000
EVENTS_A_REQUEST: Final = 2_000
VISITORS: Final = 500_000
STAGES: Final = 10
AGENTS: Final = tuple(USER_AGENTS)
UNANSWERED_MESSAGES: Final = 8
MOST_WORKER_KIB: Final = 1 << 20
MOST_SERVER_KIB: Final = 512 << 10
WORKER: Final = "eventmanager.audit.worker"


def request_of(number: int, date: datetime.date) -> StreamEventsRequest:
    """Draw a request of a day: any visitors, in no order that would help."""
    draw = random.Random(number)
    midnight_s = int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
    request = StreamEventsRequest(app="large")
    for _ in range(EVENTS_A_REQUEST):
        visitor = draw.randrange(VISITORS)
        event = Event(
            event_id=str(uuid.UUID(int=draw.getrandbits(128), version=4)),
            timestamp=Timestamp(seconds=midnight_s + draw.randrange(86_400), nanos=draw.randrange(1_000) * 1_000_000),
            device_id=f"{visitor * 0x9E3779B97F4A7C15 % (1 << 64):016x}.{visitor}",
            user_agent=AGENTS[visitor % len(AGENTS)],
        )
        elapsed = Duration(seconds=draw.randrange(60), nanos=draw.randrange(1_000) * 1_000_000)
        page = f"https://shop.example/products/{draw.randrange(500)}"
        kind = draw.randrange(4)
        if kind == 0:
            button = f"//*[@id='part-{draw.randrange(50)}']/button"
            event.click.CopyFrom(Click(target=button, current_url=page, elapsed_time=elapsed))
        elif kind == 1:
            event.url_change.CopyFrom(UrlChange(from_url="/home", to_url=page, elapsed_time=elapsed))
        elif kind == 2:
            action = BTN_ACTION_HOVER_THEN_LEAVE
            event.btn_time.CopyFrom(BtnTime(target=f"b{draw.randrange(50)}", action=action, elapsed_time=elapsed))
        else:
            entered, action_ = draw.randrange(STAGES), FUNNEL_ACTION_ON_CLICK
            event.funnel_change.CopyFrom(FunnelChange(action=action_, entered=entered, elapsed_time=elapsed))
        request.events.append(event)
    return request


async def fill(channel: grpc.aio.Channel, date: datetime.date) -> int:
    """Send a day's events, and return how many were stored."""
    room = asyncio.Semaphore(UNANSWERED_MESSAGES)

    async def messages() -> AsyncIterator[StreamEventsRequest]:
        for number in range(EVENTS // EVENTS_A_REQUEST):
            await room.acquire()
            yield await asyncio.to_thread(request_of, number, date)

    stored = 0
    async for response in IngestServiceStub(channel).StreamEvents(messages()):
        stored += response.outcome.stored_count
        room.release()
    return stored


def peak_kib(process: int) -> int:
    """Return the most memory that a process has had in use."""
    [peak] = re.findall(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(peak)


def workers_of(server: ServerProcess) -> list[int]:
    """Return the processes that count."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(child) for child in children if WORKER in Path(f"/proc/{child}/cmdline").read_text()]


@pytest.mark.large
async def test_ten_million_events_in_one_shard(tmp_path: Path) -> None:
    """The worker stays within a gibibyte, and the server that takes its cells within half of one."""
    store = f"sqlite:{tmp_path / 'large.db'}"
    date = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    dates = DateRange(start_date=date.isoformat(), end_date=date.isoformat())
    filling = await start_process(store, tmp_path / "filling.log")
    async with grpc.aio.insecure_channel(filling.address) as channel:
        stored = await fill(channel, date)
    await filling.stop()
    server = await start_process(store, tmp_path / "counting.log")
    async with grpc.aio.insecure_channel(server.address) as channel:
        began_at = time.perf_counter()
        audits = AdminServiceStub(channel).AuditDays(AuditDaysRequest(app="large", date_range=dates))
        found = [audit async for audit in audits]
        taken_s = time.perf_counter() - began_at
        worker_kib = max(map(peak_kib, workers_of(server)))
        server_kib = peak_kib(server.process.pid)
        stub = AnalyticsServiceStub(channel)
        stages = await stub.QueryStageUsers(QueryStageUsersRequest(app="large", date_range=dates))
        platforms = await stub.QueryPlatforms(
            QueryPlatformsRequest(app="large", date_range=dates, dimension=PLATFORM_DIMENSION_OS)
        )
    await server.stop()
    print(f"{taken_s:.0f} s, worker {worker_kib >> 10} MiB, server {server_kib >> 10} MiB")  # noqa: T201 - what it is for.

    assert EVENTS == stored
    assert [AuditDaysResponse(date=date.isoformat(), events=EVENTS, audited=True)] == found
    assert (True, True) == (stages.info.audited, platforms.info.audited)
    assert (VISITORS, STAGES) == (platforms.total_users, len(stages.rows))
    assert worker_kib < MOST_WORKER_KIB
    assert server_kib < MOST_SERVER_KIB
