"""Several processes behind one port."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import grpc
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import QueryPageViewsRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event, UrlChange
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.cassandra_nodes import CassandraNodes
from tests.server_process import ServerProcess, fail_to_start, start_process

SENDERS = 8


async def start_workers(cassandra: CassandraNodes, keyspace: str, log_file: Path) -> ServerProcess:
    """Start two workers, with the app `shop`."""
    server = await start_process(cassandra.address(keyspace), log_file, "--workers", "2", "--allow-new-apps")
    async with grpc.aio.insecure_channel(server.address) as channel:
        await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=App(app="shop")))
    return server


async def send_views(address: str, sender: int) -> int:
    """Send ten events over a connection of its own, one by one, and return how many were stored."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stored = 0
        for number in range(10):
            event = Event(event_id=f"{sender}-{number}", device_id=f"u{sender}", url_change=UrlChange(to_url="/home"))
            event.timestamp.FromSeconds(int(time.time()))
            request = IngestEventsRequest(app="shop", events=[event])
            answer = await IngestServiceStub(channel).IngestEvents(request, wait_for_ready=True, timeout=30)
            stored += answer.outcome.stored_count
        return stored


async def views_of(address: str) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await AnalyticsServiceStub(channel).QueryPageViews(QueryPageViewsRequest(app="shop"))
        return sum(row.views for row in answer.rows)


def workers_of(server: ServerProcess) -> list[int]:
    """Return the pids of a server's workers."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


async def ended(pid: int) -> None:
    """Return once there is no such process any more."""
    async with asyncio.timeout(30):
        while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():  # noqa: ASYNC110 - another process.
            await asyncio.sleep(0.05)


async def test_workers_share_a_port_and_count_together(cassandra: CassandraNodes, tmp_path: Path) -> None:
    """Events sent over many connections are counted once, whichever worker took them; SIGTERM ends all."""
    server = await start_workers(cassandra, "workers_share", tmp_path / "log")
    workers = workers_of(server)

    stored = await asyncio.gather(*(send_views(server.address, sender) for sender in range(SENDERS)))
    views = await views_of(server.address)

    assert (2, [10] * SENDERS, 10 * SENDERS) == (len(workers), stored, views)
    assert 0 == await server.stop(signal.SIGTERM)
    for worker in workers:
        await ended(worker)


async def test_a_worker_that_dies_is_started_again(cassandra: CassandraNodes, tmp_path: Path) -> None:
    """The others go on, and another takes its place; what it had acknowledged is there."""
    server = await start_workers(cassandra, "workers_die", tmp_path / "log")
    stored = sum(await asyncio.gather(*(send_views(server.address, sender) for sender in range(SENDERS))))
    before = workers_of(server)

    os.kill(before[0], signal.SIGKILL)
    async with asyncio.timeout(30):
        while before[0] in workers_of(server) or len(workers_of(server)) < len(before):  # noqa: ASYNC110 - as above.
            await asyncio.sleep(0.05)

    assert re.search(rf"Worker {before[0]} ended with status -9; another starts in 0.5 s\.", server.log)
    stored += sum(await asyncio.gather(*(send_views(server.address, sender) for sender in range(SENDERS, 2 * SENDERS))))
    assert 20 * SENDERS == stored == await views_of(server.address)
    assert 0 == await server.stop(signal.SIGINT)


async def test_workers_end_with_the_one_that_started_them(cassandra: CassandraNodes, tmp_path: Path) -> None:
    """Whoever kills it leaves nobody behind who holds the port."""
    server = await start_workers(cassandra, "workers_orphaned", tmp_path / "log")
    workers = workers_of(server)

    await server.kill()

    for worker in workers:
        await ended(worker)


async def test_a_second_group_on_the_same_port_is_refused(cassandra: CassandraNodes, tmp_path: Path) -> None:
    """Sharing is for the workers of one server."""
    server = await start_workers(cassandra, "workers_second", tmp_path / "log")

    status, said = await fail_to_start(
        tmp_path / "second",
        *("--listen", server.address, "--store", cassandra.address("workers_second"), "--workers", "2"),
    )

    assert 1 == status
    assert f"Cannot listen on {server.address}: Address already in use. Choose another with --listen." in said
    await server.stop()


async def test_workers_need_cassandra(tmp_path: Path) -> None:
    """One file of SQLite is written by one process."""
    status, said = await fail_to_start(tmp_path / "log", "--store", f"sqlite:{tmp_path}/events.db", "--workers", "2")

    assert 2 == status
    assert "--workers" in said
    assert "1 on SQLite, whose file one process writes alone" in said
