"""Large requests, prepared in a process beside: the same answers as without, whatever becomes of the process."""

import asyncio
import datetime
import logging
import marshal
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    DateRange,
    QueryStageGraphRequest,
    QueryTrafficRequest,
    QueryTrafficResponse,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    FUNNEL_ACTION_ON_CLICK,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    Platform,
    UrlChange,
)
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestOutcome, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.preparation.beside import LEAST_BYTES, MOST_WAITING_BYTES
from tests.conftest import NOON_S, StartServer
from tests.failures import Failure, failure_of

NOW_S = int(NOON_S)
A_DAY_S = 86_400
TODAY = datetime.date(2026, 6, 17)
PREPARED_BY = re.compile(r"Large requests are prepared by process (\d+)\.")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)


def clicks(name: str, count: int) -> list[Event]:
    """Return good events."""
    return [
        Event(
            event_id=f"{name}-{number}",
            timestamp=Timestamp(seconds=NOW_S),
            device_id=f"visitor {number % 7}",
            user_agent=CHROME,
            click=Click(target="buy", current_url="/home"),
        )
        for number in range(count)
    ]


def everything(name: str) -> list[Event]:
    """Return events of all kinds and days, some bad, some twice, some with too much, and some without ids."""
    time = Duration(seconds=3, nanos=5_000_000)
    events: list[Event] = []
    for number in range(60):
        event = Event(
            event_id=f"{name}-{number}" if number % 5 else "",
            timestamp=Timestamp(seconds=NOW_S - number % 3 * A_DAY_S - number * 60, nanos=number),
            device_id=f"visitor {number % 11}",
            user_agent=CHROME.replace("120", str(100 + number % 4)),
        )
        if number % 7 == 0:
            event.platform.CopyFrom(Platform(browser="Lynx", device="desktop"))
        if number % 4 == 0:
            event.click.CopyFrom(Click(target="buy", current_url=f"/{number}?q=1#top", elapsed_time=time))
        elif number % 4 == 1:
            event.url_change.CopyFrom(UrlChange(from_url="/a?b", to_url=f"/{number % 9}", elapsed_time=time))
        elif number % 4 == 2:
            event.btn_time.CopyFrom(BtnTime(target="div", action=BTN_ACTION_HOVER_THEN_CLICKED, elapsed_time=time))
        else:
            event.funnel_change.CopyFrom(FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=number % 6))
        events.append(event)
    bad = [Event(event_id="nothing"), Event(event_id="x" * 65, device_id="d", timestamp=Timestamp(seconds=NOW_S))]
    future = clicks("future", 1)
    future[0].timestamp.seconds += A_DAY_S
    return [*events, *bad, *events[1:4], *future, *clicks(name, 40)]


class Beside(NamedTuple):
    """A server, and the process that prepares large requests for it."""

    address: str
    process_id: int


@pytest.fixture
async def beside(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> Beside:
    caplog.set_level(logging.DEBUG, "eventmanager.preparation.beside")
    server = await start_server(prepare_beside=True)
    async with grpc.aio.insecure_channel(server.address) as channel:
        await IngestServiceStub(channel).IngestEvents(IngestEventsRequest(app="first", events=clicks("first", 200)))
    async with asyncio.timeout(30):
        while not (said := PREPARED_BY.search(caplog.text)):  # noqa: ASYNC110 - a log has no event.
            await asyncio.sleep(0.01)
    return Beside(server.address, int(said[1]))


async def traffic(channel: grpc.aio.Channel, app: str) -> QueryTrafficResponse:
    dates = DateRange(start_date=str(TODAY - datetime.timedelta(days=3)), end_date=str(TODAY))
    return await AnalyticsServiceStub(channel).QueryTraffic(QueryTrafficRequest(app=app, date_range=dates))


async def test_answers_are_the_same_as_without(start_server: StartServer, beside: Beside) -> None:
    """Of events of all kinds, good, bad, twice and changed, and of the same again, and in the reports."""
    requests = [
        IngestEventsRequest(app="shop", events=everything("a")),
        IngestEventsRequest(app="shop", events=everything("b")),
        IngestEventsRequest(app="shop", events=everything("a"), resent=True),
        IngestEventsRequest(app="shop", events=[*everything("b")[:60], *clicks("c", 50)]),
        IngestEventsRequest(app="shop", events=everything("d"), validate_only=True),
    ]
    assert all(len(request.SerializeToString()) >= LEAST_BYTES for request in requests)
    alone = await start_server(prepare_beside=False)
    outcomes: list[list[IngestOutcome]] = []
    figures: list[QueryTrafficResponse] = []
    for server in (alone.address, beside.address):
        async with grpc.aio.insecure_channel(server) as channel:
            await AdminServiceStub(channel).CreateApp(
                CreateAppRequest(app=App(app="shop", time_zone="Europe/Vienna", shard_count=4))
            )
            stub = IngestServiceStub(channel)
            outcomes.append([(await stub.IngestEvents(request)).outcome for request in requests])
            figures.append(await traffic(channel, "shop"))

    assert outcomes[0] == outcomes[1]
    assert figures[0] == figures[1]
    assert [3, 3, 3, 0, 3] == [len(outcome.refused_events) for outcome in outcomes[1]]


@pytest.mark.parametrize("large", [0, 1])
async def test_messages_of_a_stream_keep_their_order(beside: Beside, large: int) -> None:
    """No small message overtakes a large one before it, nor that a small one, so a visitor's stages come in order."""

    def enters(stage: int, count: int) -> StreamEventsRequest:
        events = clicks(f"stage {stage}", count)
        events.append(
            Event(
                event_id=f"enters {stage}",
                timestamp=Timestamp(seconds=NOW_S + stage),
                device_id="walker",
                funnel_change=FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=stage),
            )
        )
        return StreamEventsRequest(app="shop", events=events)

    requests = [enters(stage, 300 if stage % 2 == large else 0) for stage in range(12)]
    async with grpc.aio.insecure_channel(beside.address) as channel:
        outcomes = [
            response.outcome.stored_count async for response in IngestServiceStub(channel).StreamEvents(iter(requests))
        ]
        dates = DateRange(start_date=str(TODAY), end_date=str(TODAY))
        graph = await AnalyticsServiceStub(channel).QueryStageGraph(
            QueryStageGraphRequest(app="shop", date_range=dates)
        )

    assert [len(request.events) for request in requests] == outcomes
    assert {(stage, stage + 1) for stage in range(11)} == {(row.from_stage, row.to_stage) for row in graph.edges}


async def test_a_large_message_after_a_bad_one_is_not_stored(beside: Beside) -> None:
    """A bad message ends its stream, whatever its size and that of those after it."""
    requests = [StreamEventsRequest(app="shop", events=clicks(name, count)) for name, count in (("a", 1), ("b", 300))]
    requests.insert(1, StreamEventsRequest(app="shop"))
    async with grpc.aio.insecure_channel(beside.address) as channel:
        call = IngestServiceStub(channel).StreamEvents(iter(requests))
        answer: Any = await call.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        rows = (await traffic(channel, "shop")).rows

    assert IngestOutcome(stored_count=1) == answer.outcome
    assert Failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", ("events",), message_index="1") == failure_of(
        caught.value
    )
    assert 1 == sum(row.clicks for row in rows)


@pytest.mark.parametrize(
    ("encoded", "fields"),
    [
        pytest.param(
            IngestEventsRequest(app="shop", events=clicks("many", 10_001)).SerializeToString(),
            ("events",),
            id="too many events",
        ),
        pytest.param(
            IngestEventsRequest(app="shop", events=clicks("broken", 300)).SerializeToString()
            + b"\x12\x05\x0a\x03\xff\xff\xff",
            ("",),
            id="an event with an id that is no text",
        ),
    ],
)
async def test_what_is_no_request_is_refused(beside: Beside, encoded: bytes, fields: tuple[str, ...]) -> None:
    """As without, though it is found out elsewhere."""
    async with grpc.aio.insecure_channel(beside.address) as channel:
        call: Any = channel.unary_unary("/live.eventmanager.v1.IngestService/IngestEvents")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(encoded)

    assert Failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", fields) == failure_of(refused.value)


async def test_the_process_may_die_at_any_time(beside: Beside, caplog: pytest.LogCaptureFixture) -> None:
    """What it had in hand is prepared here; nothing is lost and nothing counts twice."""
    requests = [clicks(f"r{number}", 1_000) for number in range(40)]
    async with grpc.aio.insecure_channel(beside.address) as channel:
        stub = IngestServiceStub(channel)

        async def send(events: Sequence[Event]) -> int:
            return (await stub.IngestEvents(IngestEventsRequest(app="shop", events=events))).outcome.stored_count

        sending = asyncio.gather(*map(send, requests))
        await asyncio.sleep(0.05)
        os.kill(beside.process_id, signal.SIGKILL)
        stored = await sending
        figures = await traffic(channel, "shop")

    assert [1_000] * 40 == stored
    assert 40_000 == sum(row.clicks for row in figures.rows)
    assert "The process that prepares requests has ended" in caplog.text


@pytest.mark.parametrize("answer", [b"huh", marshal.dumps(([], []))], ids=["nothing", "no results"])
async def test_an_answer_that_cannot_be_read(
    start_server: StartServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: bytes,
) -> None:
    """Is told to the operator, and what it was about is prepared here."""
    (tmp_path / "babbling.py").write_text(
        "import sys\n"
        "sys.stdout.buffer.write(bytes(4))\n"
        "sys.stdout.flush()\n"
        "sys.stdin.buffer.read(1)\n"
        f"sys.stdout.buffer.write({len(answer).to_bytes(4) + answer!r})\n"
        "sys.stdout.flush()\n"
        "sys.stdin.buffer.read()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("eventmanager.preparation.beside._WORKER", "babbling")
    caplog.set_level(logging.DEBUG, "eventmanager.preparation.beside")
    server = await start_server(prepare_beside=True)
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = IngestServiceStub(channel)
        await stub.IngestEvents(IngestEventsRequest(app="shop", events=clicks("first", 200)))
        async with asyncio.timeout(30):
            while not PREPARED_BY.search(caplog.text):  # noqa: ASYNC110 - a log has no event.
                await asyncio.sleep(0.01)
        stored = await stub.IngestEvents(IngestEventsRequest(app="shop", events=clicks("second", 200)), timeout=30)

    assert 200 == stored.outcome.stored_count
    assert "What the process that prepares requests answered cannot be read" in caplog.text


async def test_too_much_at_once_is_refused(beside: Beside) -> None:
    """Where the process does not keep up, senders of unary calls are told, and all that was taken is stored."""
    large = clicks("large", 1)[0]
    large.click.target = "t" * 1_024
    large.click.current_url = "/" + "u" * 2_000
    request = IngestEventsRequest(app="shop")
    for number in range(1_200):
        large.event_id = f"{number}"
        request.events.append(large)
    encoded = request.SerializeToString()
    needed = MOST_WAITING_BYTES // len(encoded) + 1
    async with grpc.aio.insecure_channel(beside.address) as channel:
        call: Any = channel.unary_unary(
            "/live.eventmanager.v1.IngestService/IngestEvents",
            response_deserializer=lambda answer: answer,
        )
        os.kill(beside.process_id, signal.SIGSTOP)
        try:
            taken = [call(encoded) for _ in range(needed)]
            async with asyncio.timeout(60):
                while not await is_overloaded(call(encoded[:LEAST_BYTES])):  # noqa: ASYNC110 - asks from outside.
                    await asyncio.sleep(0.05)
        finally:
            os.kill(beside.process_id, signal.SIGCONT)
        await asyncio.gather(*taken)
        figures = await traffic(channel, "shop")

    assert 1_200 == sum(row.clicks for row in figures.rows)


async def is_overloaded(call: object) -> bool:
    """Tell whether a call is refused because there is too much."""
    try:
        await call  # type: ignore[misc] # A call of gRPC, which has no name for it.
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return False
