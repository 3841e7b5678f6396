"""IngestService: what becomes of every event, and of requests that cannot be taken."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, ListAppsRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    Platform,
    UrlChange,
)
from live.eventmanager.v1.ingest_service_pb2 import (
    REFUSAL_REASON_MISSING_FIELD,
    REFUSAL_REASON_TOO_LONG,
    REFUSAL_REASON_TOO_OLD,
    GetIngestLimitsRequest,
    GetIngestLimitsResponse,
    IngestEventsRequest,
    IngestOutcome,
    RefusedEvent,
    StreamEventsRequest,
)
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.config import Config
from eventmanager.server import start
from tests.conftest import NOON_S, Clock, StartServer
from tests.failures import Failure, failure_of
from tests.faults import FAULTS, Fault

NOW_S = int(NOON_S)
A_DAY_S = 86_400
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def click(event_id: str = "", time_s: float = NOW_S, device_id: str = "u1") -> Event:
    """Return a good event."""
    timestamp = Timestamp(seconds=int(time_s))
    return Event(
        event_id=event_id, timestamp=timestamp, device_id=device_id, click=Click(target="buy", current_url="/home")
    )


def event_of(kind: str, event_id: str) -> Event:
    """Return a good event of a kind with all its fields set."""
    time = Duration(seconds=1)
    event = Event(
        event_id=event_id,
        timestamp=Timestamp(seconds=NOW_S),
        device_id="u1",
        user_agent="curl/8.5.0",
        platform=Platform(browser="Firefox"),
    )
    types: dict[str, Any] = {
        "click": Click(target="buy", elapsed_time=time, current_url="/home"),
        "url_change": UrlChange(from_url="/home", to_url="/products", elapsed_time=time),
        "btn_time": BtnTime(target="div/button", action=BTN_ACTION_HOVER_THEN_LEAVE, elapsed_time=time),
        "funnel_change": FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=2, elapsed_time=time, left=1),
    }
    getattr(event, kind).CopyFrom(types[kind])
    return event


@asynccontextmanager
async def running(store: str, clock: Clock) -> AsyncIterator[grpc.aio.Channel]:
    """Run a server for a part of a test."""
    server = await start(Config(listen="127.0.0.1:0", store=store), clock)
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel
    await server.stop(1)


async def ingest(channel: grpc.aio.Channel, events: Sequence[Event], app: str = "007", **fields: Any) -> IngestOutcome:
    """Send events in a call of their own."""
    request = IngestEventsRequest(app=app, events=events, **fields)
    return (await IngestServiceStub(channel).IngestEvents(request)).outcome


async def stream(channel: grpc.aio.Channel, messages: Sequence[StreamEventsRequest]) -> list[IngestOutcome]:
    """Send messages over one stream, all at once."""
    call = IngestServiceStub(channel).StreamEvents(iter(messages))
    return [response.outcome async for response in call]


async def next_of(call: Any) -> IngestOutcome:
    """Return the next answer of a stream."""
    outcome: IngestOutcome = (await call.read()).outcome
    return outcome


async def counted_clicks(channel: grpc.aio.Channel, app: str = "007") -> int:
    """Return how many clicks the app's reports count, of a year."""
    request = QueryTrafficRequest(app=app)
    request.date_range.start_date = "-360d"
    response = await AnalyticsServiceStub(channel).QueryTraffic(request)
    return sum(row.clicks for row in response.rows)


def iso(seconds: int) -> str:
    """Write an instant in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def without_descriptions(outcome: IngestOutcome) -> IngestOutcome:
    """Take the sentences away, where a test is about something else."""
    for refused in outcome.refused_events:
        refused.ClearField("description")
    return outcome


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_bad_event_is_refused_alone(channel: grpc.aio.Channel, fault: Fault) -> None:
    """The events beside it are stored, and the refusal names position, id, reason and field, with a sentence."""
    bad = event_of(fault.kind or "click", "bad")
    fault.spoil(bad, NOW_S)
    outcome = await ingest(channel, [click("a"), bad, click("b")])
    description = outcome.refused_events[0].description

    assert fault.refusal.field.split(".")[-1] in description or "too old" in description
    assert description.endswith(".")
    refused = RefusedEvent(
        index=1, event_id=bad.event_id, reason=fault.refusal.reason, field=fault.refusal.field, description=description
    )
    assert IngestOutcome(stored_count=2, refused_events=[refused]) == outcome


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (NOW_S + 601, f"timestamp is {iso(NOW_S + 601)}, and the latest taken now is {iso(NOW_S + 600)}."),
        (2**62, f"timestamp is 4611686018427387904 s after 1970, and the latest taken now is {iso(NOW_S + 600)}."),
        (-1, "The event is too old: timestamp is 1969-12-31T23:59:59Z, which is before the year 2000."),
        (
            -62_135_596_800,
            "The event is too old: timestamp is 0001-01-01T00:00:00Z, which is before the year 2000.",
        ),
    ],
)
async def test_a_wrong_time_is_told_as_people_write_it(channel: grpc.aio.Channel, seconds: int, sentence: str) -> None:
    """But for one that no calendar has."""
    event = click("a")
    event.timestamp.seconds = seconds
    (refused,) = (await ingest(channel, [event])).refused_events

    assert sentence == refused.description


async def test_the_first_field_at_fault_is_named(channel: grpc.aio.Channel) -> None:
    """Of several faults the one that comes first in the contract is told."""
    bad = event_of("click", "x" * 65)
    bad.ClearField("device_id")
    bad.click.ClearField("target")
    first = await ingest(channel, [bad])
    bad.event_id = "bad"
    second = await ingest(channel, [bad])

    assert (REFUSAL_REASON_TOO_LONG, "event_id") == (first.refused_events[0].reason, first.refused_events[0].field)
    assert (REFUSAL_REASON_MISSING_FIELD, "device_id") == (
        second.refused_events[0].reason,
        second.refused_events[0].field,
    )


async def test_texts_as_long_as_their_limits_are_stored(channel: grpc.aio.Channel) -> None:
    """Lengths are in code points, whatever they take in bytes."""
    events = [event_of(kind, "") for kind in ("click", "url_change", "btn_time")]
    for event in events:
        event.device_id = "😀" * 128
        event.user_agent = "😀" * 1_024
        event.platform.CopyFrom(Platform(browser="😀" * 64, os="😀" * 64, device="😀" * 64))
    events[0].event_id = "😀" * 64
    events[0].click.target = events[2].btn_time.target = "😀" * 1_024
    events[0].click.current_url = events[1].url_change.from_url = events[1].url_change.to_url = "😀" * 2_048

    assert IngestOutcome(stored_count=3) == await ingest(channel, events)


async def test_times_at_their_bounds_are_stored(channel: grpc.aio.Channel) -> None:
    """From no time to 30 days; from the first instant of the year 2000 to as far ahead as is allowed."""
    events = [click("2000", 946_684_800), click("soon", NOW_S + 600)]
    for kind in ("click", "url_change", "btn_time", "funnel_change"):
        for time in (timedelta(0), timedelta(days=30)):
            event = event_of(kind, f"{kind} {time}")
            getattr(event, kind).elapsed_time.FromTimedelta(time)
            events.append(event)

    assert IngestOutcome(stored_count=10) == await ingest(channel, events)


async def test_events_past_the_retention_are_too_old(channel: grpc.aio.Channel) -> None:
    """A day is kept until as many days after it as the app says have passed."""
    request = CreateAppRequest(app=App(app="short", retention_days=1, time_zone="UTC"))
    await AdminServiceStub(channel).CreateApp(request)
    midnight_s = NOW_S // A_DAY_S * A_DAY_S
    outcome = await ingest(
        channel, [click("kept", midnight_s - A_DAY_S), click("gone", midnight_s - A_DAY_S - 1)], app="short"
    )

    refused = RefusedEvent(index=1, event_id="gone", reason=REFUSAL_REASON_TOO_OLD, field="timestamp")
    assert IngestOutcome(stored_count=1, refused_events=[refused]) == without_descriptions(outcome)


async def test_an_event_counts_once(channel: grpc.aio.Channel) -> None:
    """Sent again unchanged, in the same request or another, it is a duplicate; what shares but its id is not."""
    first = await ingest(channel, [click("a"), click("b"), click("a")])
    again = await ingest(channel, [click("c"), click("a")])
    alike = await ingest(
        channel, [click("a", device_id="u2"), click("a", time_s=NOW_S - A_DAY_S), click("A"), click("a ")]
    )
    other_app = await ingest(channel, [click("a")], app="008")

    assert IngestOutcome(stored_count=2, duplicate_indexes=[2]) == first
    assert IngestOutcome(stored_count=1, duplicate_indexes=[1]) == again
    assert IngestOutcome(stored_count=4) == alike
    assert IngestOutcome(stored_count=1) == other_app
    assert (7, 1) == (await counted_clicks(channel), await counted_clicks(channel, "008"))


async def test_a_request_without_ids_counts_once(channel: grpc.aio.Channel) -> None:
    """The same events in the same order are the same request, whichever call brings it; equal events in it are two."""
    events = [click(), click(), click(time_s=NOW_S - A_DAY_S)]
    first = await ingest(channel, events)
    again = await ingest(channel, events, resent=True)
    [streamed] = await stream(channel, [StreamEventsRequest(app="007", events=events)])

    assert IngestOutcome(stored_count=3) == first
    assert IngestOutcome(duplicate_indexes=[0, 1, 2]) == again == streamed
    assert 3 == await counted_clicks(channel)


async def test_an_event_without_an_id_in_another_request_counts_again(channel: grpc.aio.Channel) -> None:
    """Also where all that the requests differ in lies on another day, or is refused."""
    requests = [
        [click()],
        [click(), click("a", time_s=NOW_S - A_DAY_S)],
        [click(), click("b", time_s=NOW_S - A_DAY_S)],
        [click(), Event()],
    ]
    stored = [(await ingest(channel, events)).stored_count for events in requests]

    assert [1, 2, 2, 1] == stored
    assert 6 == await counted_clicks(channel)


@pytest.mark.parametrize(("event_id", "stored"), [("", 6_000), ("a", 1)])
async def test_many_equal_events_in_one_request(channel: grpc.aio.Channel, event_id: str, stored: int) -> None:
    """Without ids each of them counts; under one id they count once."""
    outcome = await ingest(channel, [click(event_id)] * 6_000)

    assert IngestOutcome(stored_count=stored, duplicate_indexes=range(stored, 6_000)) == outcome
    assert stored == await counted_clicks(channel)


async def test_the_same_request_twice_at_once(channel: grpc.aio.Channel) -> None:
    """Every event of it is stored in one of the answers, and a duplicate in the others."""
    events = [click(f"{number}") for number in range(100)] + [click()]
    outcomes = await asyncio.gather(*(ingest(channel, events) for _ in range(20)))

    stored = [outcome for outcome in outcomes if outcome.stored_count]
    duplicate = [outcome for outcome in outcomes if not outcome.stored_count]
    assert [IngestOutcome(stored_count=101)] == stored
    assert [IngestOutcome(duplicate_indexes=range(101))] * 19 == duplicate
    assert 101 == await counted_clicks(channel)


async def test_a_request_is_known_after_a_restart(database: str, clock: Clock) -> None:
    """Sent again with `resent`, it counts once; one that never came before is stored."""
    events = [click("a"), click(), click("b", time_s=NOW_S - A_DAY_S)]
    async with running(database, clock) as channel:
        first = await ingest(channel, events)
    async with running(database, clock) as channel:
        again = await ingest(channel, events, resent=True)
        new = await ingest(channel, [click("c")], resent=True)
        copy_of_a_part = await ingest(channel, [click("b", time_s=NOW_S - A_DAY_S), click("d")])

        assert IngestOutcome(stored_count=3) == first
        assert IngestOutcome(duplicate_indexes=[0, 1, 2]) == again
        assert IngestOutcome(stored_count=1) == new
        assert IngestOutcome(stored_count=1, duplicate_indexes=[0]) == copy_of_a_part
        assert 5 == await counted_clicks(channel)


async def test_only_so_many_ids_are_remembered(start_server: StartServer) -> None:
    """A copy that comes later than that is stored again; a request that comes again is found in the log."""
    server = await start_server(remembered_ids=10)
    async with grpc.aio.insecure_channel(server.address) as channel:
        await ingest(channel, [click("a"), click("b")])
        await ingest(channel, [click(f"{number}") for number in range(10)])

        assert IngestOutcome(stored_count=1) == await ingest(channel, [click("a")])
        assert IngestOutcome(duplicate_indexes=[0, 1]) == await ingest(channel, [click("a"), click("b")])


async def test_validate_only_stores_nothing(channel: grpc.aio.Channel) -> None:
    """It answers as usual, and afterwards nothing is stored, known or made."""
    await ingest(channel, [click("known")])
    events = [click("known"), click("new"), Event(event_id="bad"), click("new")]
    outcomes = [without_descriptions(await ingest(channel, events, validate_only=True)) for _ in range(2)]
    await ingest(channel, [click("new")], app="unheard-of", validate_only=True)

    refused = RefusedEvent(index=2, event_id="bad", reason=REFUSAL_REASON_MISSING_FIELD, field="timestamp")
    expected = IngestOutcome(stored_count=1, duplicate_indexes=[0, 3], refused_events=[refused])
    assert [expected, expected] == outcomes
    assert 1 == await counted_clicks(channel)
    assert ["007"] == [app.app for app in (await AdminServiceStub(channel).ListApps(ListAppsRequest())).apps]


async def test_a_request_of_bad_events_alone(channel: grpc.aio.Channel) -> None:
    """It is answered as any other."""
    outcome = await ingest(channel, [Event(), Event()])

    reason = REFUSAL_REASON_MISSING_FIELD
    refused = [RefusedEvent(index=index, reason=reason, field="timestamp") for index in (0, 1)]
    assert IngestOutcome(refused_events=refused) == without_descriptions(outcome)


async def test_the_limits_are_told(start_server: StartServer) -> None:
    """As the server was told."""
    server = await start_server(max_events=7, max_request_bytes=100_000, max_clock_skew_s=90)
    async with grpc.aio.insecure_channel(server.address) as channel:
        limits = await IngestServiceStub(channel).GetIngestLimits(GetIngestLimitsRequest())

        skew = Duration(seconds=90)
        assert GetIngestLimitsResponse(max_events=7, max_request_bytes=100_000, max_clock_skew=skew) == limits


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (IngestEventsRequest(app="007"), "events"),
        (IngestEventsRequest(app="007", events=[click()] * 8), "events"),
        (IngestEventsRequest(events=[click()]), "app"),
        (IngestEventsRequest(app="no spaces", events=[click()]), "app"),
        (IngestEventsRequest(app="x" * 65, events=[click()]), "app"),
    ],
    ids=["no events", "too many events", "no app", "an app with a space", "an app too long"],
)
async def test_a_bad_request_names_its_field(
    start_server: StartServer, request_: IngestEventsRequest, field: str
) -> None:
    """It is INVALID_ARGUMENT, in a stream with the message's number; so is it when only checked."""
    server = await start_server(max_events=7)
    checked = IngestEventsRequest(app=request_.app, events=request_.events, validate_only=True)
    message = StreamEventsRequest(app=request_.app, events=request_.events)
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = IngestServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await stub.IngestEvents(request_)
        with pytest.raises(grpc.aio.AioRpcError) as rehearsed:
            await stub.IngestEvents(checked)
        with pytest.raises(grpc.aio.AioRpcError) as streamed:
            await stream(channel, [message])

    expected = Failure(INVALID, "INVALID_REQUEST", (field,))
    assert expected == failure_of(unary.value)
    assert expected == failure_of(rehearsed.value)
    assert Failure(INVALID, "INVALID_REQUEST", (field,), message_index="0") == failure_of(streamed.value)


async def test_an_unknown_app_is_not_made_where_that_is_not_allowed(start_server: StartServer) -> None:
    """Its events are NOT_FOUND."""
    server = await start_server(allow_new_apps=False)
    async with grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ingest(channel, [click()])
        with pytest.raises(grpc.aio.AioRpcError) as streamed:
            await stream(channel, [StreamEventsRequest(app="007", events=[click()])])

    assert Failure(grpc.StatusCode.NOT_FOUND, "UNKNOWN_APP") == failure_of(caught.value)
    assert Failure(grpc.StatusCode.NOT_FOUND, "UNKNOWN_APP", message_index="0") == failure_of(streamed.value)


async def test_bytes_that_are_no_request(channel: grpc.aio.Channel) -> None:
    """They are INVALID_ARGUMENT."""
    service = "/live.eventmanager.v1.IngestService"
    unary: Any = channel.unary_unary(f"{service}/IngestEvents")
    streamed: Any = channel.stream_stream(f"{service}/StreamEvents")
    with pytest.raises(grpc.aio.AioRpcError) as of_a_call:
        await unary(b"\xff\xff")
    with pytest.raises(grpc.aio.AioRpcError) as of_a_stream:
        await streamed(iter([b"\xff\xff"])).read()

    assert Failure(INVALID, "INVALID_REQUEST", ("",)) == failure_of(of_a_call.value)
    assert Failure(INVALID, "INVALID_REQUEST", ("",), message_index="0") == failure_of(of_a_stream.value)


async def test_a_message_over_the_limit(start_server: StartServer) -> None:
    """It is RESOURCE_EXHAUSTED, and one a little smaller is stored."""
    server = await start_server(max_request_bytes=100_000)
    fitting = IngestEventsRequest(app="007", events=[click(f"{number}") for number in range(4_000)])
    while fitting.ByteSize() > 100_000:
        del fitting.events[-1]
    too_large = IngestEventsRequest(app="007", events=[*fitting.events, click("one"), click("more")])
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = IngestServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.IngestEvents(too_large)
        stored = (await stub.IngestEvents(fitting)).outcome

        assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
        assert IngestOutcome(stored_count=len(fitting.events)) == stored


async def test_a_stream_answers_every_message_in_order(channel: grpc.aio.Channel) -> None:
    """Many may be on their way; those that name no app are of the app before."""
    messages = [
        StreamEventsRequest(app={0: "007", 250: "008"}.get(number, ""), events=[click(f"{number}")] * (number % 3 + 1))
        for number in range(500)
    ]
    outcomes = await stream(channel, messages)

    assert [
        IngestOutcome(stored_count=1, duplicate_indexes=range(1, number % 3 + 1)) for number in range(500)
    ] == outcomes
    assert (250, 250) == (await counted_clicks(channel), await counted_clicks(channel, "008"))


async def test_a_stream_answers_as_soon_as_events_are_durable(channel: grpc.aio.Channel) -> None:
    """A sender may wait for each answer before it sends on."""
    call = IngestServiceStub(channel).StreamEvents()
    for number in range(3):
        await call.write(StreamEventsRequest(app="007", events=[click(f"{number}")]))

        assert IngestOutcome(stored_count=1) == await next_of(call)
        assert number + 1 == await counted_clicks(channel)
    await call.done_writing()

    assert grpc.aio.EOF == await call.read()
    assert grpc.StatusCode.OK == await call.code()


async def test_a_bad_message_ends_a_stream_after_the_answers_before_it(channel: grpc.aio.Channel) -> None:
    """The status names its number; what comes after it is not stored."""
    messages = [StreamEventsRequest(app="007", events=[click(f"{number}")]) for number in range(5)]
    del messages[3].events[:]
    call = IngestServiceStub(channel).StreamEvents(iter(messages))
    outcomes = [await next_of(call) for _ in range(3)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert [IngestOutcome(stored_count=1)] * 3 == outcomes
    assert Failure(INVALID, "INVALID_REQUEST", ("events",), message_index="3") == failure_of(caught.value)
    assert 3 == await counted_clicks(channel)


async def test_an_empty_stream(channel: grpc.aio.Channel) -> None:
    """It ends well."""
    assert [] == await stream(channel, [])


async def test_a_caller_who_goes_away_takes_nothing_from_others(channel: grpc.aio.Channel) -> None:
    """The same request, cancelled in one call, is answered in another."""
    request = IngestEventsRequest(app="007", events=[click("a"), click("b")])
    stub = IngestServiceStub(channel)
    await ingest(channel, [click("warm")])
    calls = [stub.IngestEvents(request) for _ in range(20)]
    calls[0].cancel()
    outcomes = [(await call).outcome for call in calls[1:]]
    again = await ingest(channel, request.events)

    assert IngestOutcome(duplicate_indexes=[0, 1]) == again
    assert all(outcome.stored_count + len(outcome.duplicate_indexes) == 2 for outcome in outcomes)
    assert 3 == await counted_clicks(channel)


async def test_too_much_at_once_is_told_and_not_dropped(start_server: StartServer) -> None:
    """Calls beyond the bound are RESOURCE_EXHAUSTED and may be sent again; streams are made to wait."""
    server = await start_server(max_events=100, max_waiting_events=100)
    async with grpc.aio.insecure_channel(server.address) as channel:

        async def call(number: int) -> IngestOutcome | Failure:
            try:
                return await ingest(channel, [click(f"{number}-{event}") for event in range(100)])
            except grpc.aio.AioRpcError as error:
                return failure_of(error)

        answers = await asyncio.gather(*(call(number) for number in range(100)))
        stored = [answer for answer in answers if isinstance(answer, IngestOutcome)]
        failures = [answer for answer in answers if isinstance(answer, Failure)]

        assert [IngestOutcome(stored_count=100)] * len(stored) == stored
        overloaded = Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", may_be_sent_again=True)
        assert [overloaded] * len(failures) == failures
        assert stored
        assert failures
        assert 100 * len(stored) == await counted_clicks(channel)

        messages = [
            StreamEventsRequest(app="008", events=[click(f"{number}-{event}") for event in range(100)])
            for number in range(100)
        ]
        assert [IngestOutcome(stored_count=100)] * 100 == await stream(channel, messages)
        assert 10_000 == await counted_clicks(channel, "008")


async def test_a_clock_that_moves(channel: grpc.aio.Channel, clock: Clock) -> None:
    """An event that was too far ahead may be sent again later."""
    ahead = click("a", NOW_S + 700)
    refused = await ingest(channel, [ahead])
    clock.time_s += 200
    taken = await ingest(channel, [ahead])

    assert (0, 1) == (refused.stored_count, len(refused.refused_events))
    assert IngestOutcome(stored_count=1) == taken


async def test_a_stream_that_its_sender_breaks_off(channel: grpc.aio.Channel) -> None:
    """What was answered stays, and the server goes on."""
    sent = asyncio.Event()

    async def messages() -> AsyncIterator[StreamEventsRequest]:
        yield StreamEventsRequest(app="007", events=[click("a")])
        await sent.wait()

    call = IngestServiceStub(channel).StreamEvents(messages())
    outcome = await next_of(call)
    call.cancel()

    assert IngestOutcome(stored_count=1) == outcome
    assert IngestOutcome(duplicate_indexes=[0]) == await ingest(channel, [click("a")])
