"""How a server starts, stops, and lives through what happens to its disk: the real command, in a process of its own."""

import asyncio
import ctypes
import resource
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from live.eventmanager.v1.analytics_service_pb2 import QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Click, Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestOutcome, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.failures import Failure, failure_of
from tests.server_process import ServerProcess, fail_to_start, start_process

_Request = TypeVar("_Request", StreamEventsRequest, IngestEventsRequest)

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
STORE_AWAY: Final = Failure(UNAVAILABLE, "STORE_UNAVAILABLE", may_be_sent_again=True)
STOPPING: Final = Failure(UNAVAILABLE, "SHUTTING_DOWN", may_be_sent_again=True)


def clicks(name: str, number: int) -> list[Event]:
    """Return events of now."""
    timestamp = Timestamp()
    timestamp.GetCurrentTime()
    return [
        Event(
            event_id=f"{name}-{position}",
            timestamp=timestamp,
            device_id=f"device {position}",
            click=Click(target="buy", current_url=f"/{name}"),
        )
        for position in range(number)
    ]


async def counted(channel: grpc.aio.Channel) -> int:
    """Return how many clicks the reports count."""
    request = QueryTrafficRequest(app="007")
    request.date_range.start_date = "-2d"
    response = await AnalyticsServiceStub(channel).QueryTraffic(request)
    return sum(row.clicks for row in response.rows)


async def ingest(channel: grpc.aio.Channel, events: list[Event], *, resent: bool = False) -> IngestOutcome | Failure:
    """Send events, and return what became of them or of the call."""
    request = IngestEventsRequest(app="007", events=events, resent=resent)
    try:
        return (await IngestServiceStub(channel).IngestEvents(request)).outcome
    except grpc.aio.AioRpcError as error:
        return failure_of(error)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A database file that is not there yet."""
    return f"sqlite:{tmp_path / 'events.db'}"


@pytest.fixture
async def server(store: str, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server on the file, killed after the test if it still runs."""
    server = await start_process(store, tmp_path / "server.log")
    yield server
    if server.process.returncode is None:
        await server.kill()
    assert "Traceback" not in server.log


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_when_asked(server: ServerProcess, signal_number: signal.Signals) -> None:
    """At once, although streams are open, whose senders hear that they may go elsewhere; with status 0."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        idle = IngestServiceStub(channel).StreamEvents()
        used = IngestServiceStub(channel).StreamEvents()
        await used.write(StreamEventsRequest(app="007", events=clicks("a", 3)))
        answer: Any = await used.read()
        health_stub: Any = health_pb2_grpc.HealthStub(channel)  # Its types do not know of Watch.
        watch = health_stub.Watch(health_pb2.HealthCheckRequest())
        health = [(await watch.read()).status]
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        stopped = asyncio.create_task(server.stop(signal_number))
        health.append((await watch.read()).status)
        failures = []
        for stream in (idle, used):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stream.read()
            failures.append(failure_of(caught.value))
        status = await stopped

        assert IngestOutcome(stored_count=3) == answer.outcome
        assert [health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING] == health
        assert [STOPPING, STOPPING] == failures
        assert 0 == status
        assert loop.time() - asked_at < 5


class Sender:
    """Sends events on and on, as fast as it may, from a thread of its own, until the server ends it."""

    def __init__(self, address: str, name: str) -> None:
        self.stored = 0
        self.failure: Failure | None = None
        self.is_under_way = threading.Event()
        self._address = address
        self._name = name

    def _requests(self, request_type: type[_Request]) -> Iterator[_Request]:
        return (request_type(app="007", events=clicks(f"{self._name}-{number}", 50)) for number in count())

    def stream(self) -> None:
        """Send over one stream."""
        with grpc.insecure_channel(self._address) as channel:
            stub: Any = IngestServiceStub(channel)  # type: ignore[arg-type] # Its types know of asyncio alone.
            with self._ended():
                for response in stub.StreamEvents(self._requests(StreamEventsRequest)):
                    self._take(response.outcome)

    def calls(self) -> None:
        """Send in calls, one after the other."""
        with grpc.insecure_channel(self._address) as channel:
            stub: Any = IngestServiceStub(channel)  # type: ignore[arg-type] # As above.
            with self._ended():
                for request in self._requests(IngestEventsRequest):
                    self._take(stub.IngestEvents(request).outcome)

    def _take(self, outcome: IngestOutcome) -> None:
        self.stored += outcome.stored_count
        self.is_under_way.set()

    @contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            self.failure = failure_of(error)


async def test_what_is_in_hand_is_answered_when_it_stops(server: ServerProcess, store: str, tmp_path: Path) -> None:
    """In the middle of streams and calls, all that is stored is answered, and every sender hears why it must go."""
    senders = [Sender(server.address, f"sender-{number}") for number in range(6)]
    threads = [threading.Thread(target=sender.stream, daemon=True) for sender in senders[:3]]
    threads += [threading.Thread(target=sender.calls, daemon=True) for sender in senders[3:]]
    for thread in threads:
        thread.start()
    for sender in senders:
        await asyncio.to_thread(sender.is_under_way.wait)
    status = await server.stop()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    again = await start_process(store, tmp_path / "again.log")
    async with grpc.aio.insecure_channel(again.address) as channel:
        stored = await counted(channel)
    await again.stop()

    assert 0 == status
    assert [STOPPING] * 6 == [sender.failure for sender in senders]
    assert stored == sum(sender.stored for sender in senders)


async def test_a_second_server_on_the_same_address(server: ServerProcess, tmp_path: Path) -> None:
    """It fails at once, and says why in a sentence."""
    status, said = await fail_to_start(
        tmp_path / "second.log", "--listen", server.address, "--store", f"sqlite:{tmp_path / 'other.db'}"
    )

    assert 1 == status
    assert f"Cannot listen on {server.address}" in said
    assert "Traceback" not in said


async def test_a_second_server_on_the_same_file(server: ServerProcess, store: str, tmp_path: Path) -> None:
    """It fails at once, names the file, and the first goes on."""
    status, said = await fail_to_start(tmp_path / "second.log", "--listen", "127.0.0.1:0", "--store", store)
    async with grpc.aio.insecure_channel(server.address) as channel:
        outcome = await ingest(channel, clicks("a", 3))

    assert 1 == status
    assert str(tmp_path / "events.db") in said
    assert "Traceback" not in said
    assert IngestOutcome(stored_count=3) == outcome


async def test_a_file_is_free_again_after_a_kill(server: ServerProcess, store: str, tmp_path: Path) -> None:
    """The next server takes it over at once."""
    await server.kill()
    again = await start_process(store, tmp_path / "again.log")

    assert 0 == await again.stop()


async def test_only_loopback_without_insecure(store: str, tmp_path: Path) -> None:
    """Beyond it nothing is encrypted, which has to be asked for by name."""
    arguments = ("--listen", "0.0.0.0:0", "--store", store)
    status, said = await fail_to_start(tmp_path / "refused.log", *arguments)
    server = await start_process(store, tmp_path / "insecure.log", "--listen", "0.0.0.0:0", "--insecure")

    assert 0 != status
    assert "--insecure" in said
    assert "Traceback" not in said
    assert 0 == await server.stop()


async def test_a_full_disk(server: ServerProcess, tmp_path: Path) -> None:
    """Events are UNAVAILABLE while it is full, and reports go on. It recovers by itself, and each event counts once."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stored = 0
        refused: list[tuple[list[Event], Failure]] = []
        await ingest(channel, clicks("first", 100))
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest_size(tmp_path) + 65_536, hard))
        for number in range(200):
            events = clicks(f"{number}", 100)
            outcome = await ingest(channel, events)
            if isinstance(outcome, Failure):
                refused.append((events, outcome))
                if len(refused) == 3:
                    break
            else:
                stored += outcome.stored_count
        counted_while_full = await counted(channel)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        again = [await ingest(channel, events, resent=True) for events, _ in refused]

        assert [STORE_AWAY] * 3 == [failure for _, failure in refused]
        assert stored + 100 == counted_while_full
        assert [IngestOutcome(stored_count=100)] * 3 == again
        assert stored + 400 == await counted(channel)


def largest_size(folder: Path) -> int:
    """Return the size of the largest file in a folder, in bytes."""
    return max(path.stat().st_size for path in folder.iterdir())


def without_rights() -> None:
    """Have the process about to start obey files' permissions even where its user is root."""
    pr_capbset_drop, cap_dac_override = 24, 1
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)


async def test_a_read_only_file(server: ServerProcess, store: str, tmp_path: Path) -> None:
    """Events are UNAVAILABLE, reports are answered, and the server lives."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        await ingest(channel, clicks("a", 3))
    await server.stop()
    (tmp_path / "events.db").chmod(0o444)
    read_only = await start_process(store, tmp_path / "again.log", before_start=without_rights)
    async with grpc.aio.insecure_channel(read_only.address) as channel:
        outcomes = [await ingest(channel, clicks("b", 3)) for _ in range(3)]
        still_counted = await counted(channel)

    assert [STORE_AWAY] * 3 == outcomes
    assert 3 == still_counted
    assert 0 == await read_only.stop()
