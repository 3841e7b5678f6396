"""EventSender: every request gets its answer, whatever breaks on the way."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Click, Event
from live.eventmanager.v1.ingest_service_pb2 import REFUSAL_REASON_MISSING_FIELD, IngestOutcome, RefusedEvent

from eventmanager.client import (
    EventSender,
    IngestLimits,
    RequestTooLargeError,
    ServerUnreachableError,
    UnansweredError,
    UnknownAppError,
    read_limits,
)
from eventmanager.server import Server
from tests.client.cable import cable_to
from tests.conftest import NOON_S, StartServer

NOBODY = "127.0.0.1:1"
"""Where no server listens."""


def clicks(first: int, count: int = 1) -> list[Event]:
    """Make numbered clicks of as many visitors."""
    return [
        Event(
            event_id=f"e{number}",
            timestamp=Timestamp(seconds=int(NOON_S)),
            device_id=f"u{number}",
            click=Click(target="buy", current_url="/home"),
        )
        for number in range(first, first + count)
    ]


async def clicks_counted(channel: grpc.aio.Channel, app: str = "shop") -> tuple[int, int]:
    """Return the clicks and the visitors that the server reports of today."""
    report = await AnalyticsServiceStub(channel).QueryTraffic(QueryTrafficRequest(app=app))
    return report.rows[0].clicks, report.rows[0].users


def answered_once(outcomes: Sequence[IngestOutcome]) -> int:
    """Count events that are stored now, whether their first answer came or only the second."""
    return sum(outcome.stored_count + len(outcome.duplicate_indexes) for outcome in outcomes)


async def test_each_send_returns_its_own_outcome(server: Server) -> None:
    """A send returns what became of its own events."""
    nameless = Event(event_id="bad", timestamp=Timestamp(seconds=int(NOON_S)), click=clicks(1)[0].click)
    async with EventSender(server.address, "shop") as sender:
        outcomes = [await sender.send(clicks(1, 2)), await sender.send([*clicks(2, 2), nameless])]

    refused = outcomes[1].refused_events[0]
    expected = [
        IngestOutcome(stored_count=2),
        IngestOutcome(
            stored_count=1,
            duplicate_indexes=[0],
            refused_events=[
                RefusedEvent(
                    index=2,
                    event_id="bad",
                    reason=REFUSAL_REASON_MISSING_FIELD,
                    field="device_id",
                    description=refused.description,
                )
            ],
        ),
    ]

    assert expected == outcomes


async def test_many_requests_are_on_their_way_at_once(server: Server, channel: grpc.aio.Channel) -> None:
    """Submitting does not wait for answers, and each answer finds its request."""
    async with EventSender(server.address, "shop", max_in_flight=4) as sender:
        answers = [await sender.submit(clicks(100 * number, number + 1)) for number in range(20)]
        stored = [(await answer).stored_count for answer in answers]

    assert list(range(1, 21)) == stored
    assert (210, 210) == await clicks_counted(channel)


async def test_leaving_waits_for_answers(server: Server) -> None:
    """Whoever leaves `async with` has every answer."""
    async with EventSender(server.address, "shop") as sender:
        answer = await sender.submit(clicks(1))

    assert IngestOutcome(stored_count=1) == await answer


async def test_requests_of_several_apps_share_a_stream(server: Server, channel: grpc.aio.Channel) -> None:
    """A request may name another app than the sender's own."""
    async with EventSender(server.address, "shop") as sender:
        await sender.send(clicks(1, 1))
        await sender.send(clicks(1, 2), app="other")
        await sender.send(clicks(9, 1))

    assert ((2, 2), (2, 2)) == (await clicks_counted(channel), await clicks_counted(channel, "other"))


async def test_a_broken_connection_loses_and_doubles_nothing(server: Server, channel: grpc.aio.Channel) -> None:
    """However often the connection breaks, every event is answered and counts once."""
    async with cable_to(server.address) as cable:
        passed = 0

        def cut_now_and_then() -> None:
            nonlocal passed
            passed += 1
            if passed % 5 == 0 and cable.connections < 6:
                cable.cut()

        async with EventSender(cable.address, "shop", max_in_flight=5) as sender:
            await sender.send(clicks(1_000_000))
            cable.on_bytes_from_server = cut_now_and_then
            answers = [await sender.submit(clicks(10 * number, 10)) for number in range(60)]
            outcomes = [await answer for answer in answers]

    assert cable.connections >= 6
    assert 600 == answered_once(outcomes)
    assert (601, 601) == await clicks_counted(channel)


async def test_a_server_that_was_away_for_a_while_is_found_again(server: Server, channel: grpc.aio.Channel) -> None:
    """What was sent while no server could be reached is stored once there is one."""
    async with cable_to(server.address) as cable, EventSender(cable.address, "shop") as sender:
        await sender.send(clicks(1))
        cable.is_plugged_in = False
        cable.cut()
        answer = await sender.submit(clicks(2))
        await asyncio.sleep(0.3)
        cable.is_plugged_in = True

        assert IngestOutcome(stored_count=1) == await answer
    assert (2, 2) == await clicks_counted(channel)


async def test_a_request_without_an_answer_is_given_up(server: Server) -> None:
    """A sender that finds no server says so after the time it was given, and names the last failure."""
    async with cable_to(server.address) as cable, EventSender(cable.address, "shop", give_up_after_s=0.3) as sender:
        await sender.send(clicks(1))
        cable.is_plugged_in = False
        cable.cut()
        with pytest.raises(UnansweredError) as given_up:
            await sender.send(clicks(2))

    expected = f"No answer came within 0.3 s. The last failure: No server answers at {cable.address}."

    assert expected == str(given_up.value)


async def test_a_sender_that_never_found_a_server_gives_up() -> None:
    """A sender looks for its server as long as it was told, too."""
    async with EventSender(NOBODY, "shop", give_up_after_s=0.3) as sender:
        with pytest.raises(UnansweredError) as given_up:
            await sender.send(clicks(1))

    assert f"No answer came within 0.3 s. The last failure: No server answers at {NOBODY}." == str(given_up.value)


async def test_asking_once_for_limits_does_not_wait() -> None:
    """Whoever only asks for the limits is told at once that no server is there."""
    with pytest.raises(ServerUnreachableError) as error:
        await read_limits(NOBODY)

    assert f"No server answers at {NOBODY}." == str(error.value)


async def test_bad_requests_fail_each_alone(start_server: StartServer) -> None:
    """Each request that ends the stream gets the error of its own."""
    server = await start_server(allow_new_apps=False)
    async with EventSender(server.address, "nowhere") as sender:
        answers = [await sender.submit(clicks(number)) for number in range(3)]
        errors = await asyncio.gather(*answers, return_exceptions=True)

    assert [UnknownAppError] * 3 == [type(error) for error in errors]


async def test_good_requests_around_a_bad_one_are_stored(server: Server, channel: grpc.aio.Channel) -> None:
    """Requests before and after a bad one are stored, each once."""
    async with EventSender(server.address, "shop") as sender:
        answers = [
            await sender.submit(clicks(number), app="not an id" if number in {3, 4} else None) for number in range(8)
        ]
        outcomes = await asyncio.gather(*answers, return_exceptions=True)

    assert [3, 4] == [at for at, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    assert 6 == answered_once([outcome for outcome in outcomes if isinstance(outcome, IngestOutcome)])
    assert (6, 6) == await clicks_counted(channel)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_events": 5}, "The request has 6 events, and the server takes 5 at once."),
        ({"max_request_bytes": 65_536}, "The request has 65,"),
    ],
)
async def test_a_request_that_is_too_large_is_not_sent(
    start_server: StartServer, settings: dict[str, int], sentence: str
) -> None:
    """The sender knows the server's limits, and says which one a request is over."""
    server = await start_server(**settings)
    events = clicks(1, 6)
    events[0].click.target = "x" * 65_400
    async with EventSender(server.address, "shop") as sender:
        with pytest.raises(RequestTooLargeError) as error:
            await sender.send(events)

    assert sentence in str(error.value)


async def test_limits_are_those_of_the_server(start_server: StartServer) -> None:
    """A server's limits can be asked for."""
    server = await start_server(max_events=7, max_request_bytes=70_000)

    assert IngestLimits(7, 70_000) == await read_limits(server.address)


async def test_a_send_that_is_cancelled_holds_up_no_other(server: Server, channel: grpc.aio.Channel) -> None:
    """Another send goes on when one is cancelled on the way."""
    async with cable_to(server.address) as cable, EventSender(cable.address, "shop", max_in_flight=2) as sender:
        await sender.send(clicks(1))
        cable.is_plugged_in = False
        cable.cut()
        hasty = asyncio.create_task(sender.send(clicks(2)))
        patient = asyncio.create_task(sender.send(clicks(3)))
        await asyncio.sleep(0.05)
        hasty.cancel()
        cable.is_plugged_in = True

        assert IngestOutcome(stored_count=1) == await patient
    assert (2, 2) == await clicks_counted(channel)
