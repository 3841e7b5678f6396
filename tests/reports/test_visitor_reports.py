"""QueryPlatforms, QueryTraffic and ListDeviceEvents."""

from collections.abc import Sequence

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_HOUR,
    INTERVAL_MONTH,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    PLATFORM_DIMENSION_BROWSER,
    PLATFORM_DIMENSION_DEVICE,
    PLATFORM_DIMENSION_OS,
    DateRange,
    Interval,
    ListDeviceEventsRequest,
    ListDeviceEventsResponse,
    PlatformDimension,
    PlatformShare,
    QueryPlatformsRequest,
    QueryPlatformsResponse,
    QueryTrafficRequest,
    QueryTrafficResponse,
    ReportInfo,
    Traffic,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import Event, Platform

from eventmanager.paging import MAX_PAGE_BYTES
from tests.conftest import Clock
from tests.reports.visits import clicked, entered, hovered, ingest, instant, make_app, send, viewed

WEEK = DateRange(start_date="-6d")


def info(first: str, last: str, time_zone: str = "UTC", read_time: str = "2026-06-17T12:00") -> ReportInfo:
    """Say what live figures of some days say of themselves."""
    return ReportInfo(
        date_range=DateRange(start_date=first, end_date=last), time_zone=time_zone, read_time=instant(read_time)
    )


def browsing(visitor: str, browser: str, device: str = "", day: int = 17) -> Event:
    """Do something with a browser."""
    event = clicked(visitor, "a", f"2026-06-{day}T09:00")
    event.platform.CopyFrom(Platform(browser=browser, device=device))
    return event


VISITS = (
    browsing("u1", "Firefox", "mobile"),
    browsing("u1", "Firefox", day=16),
    browsing("u1", "Chrome", day=15),
    browsing("u2", "Firefox"),
    browsing("u3", "", day=16),
    browsing("u4", "", "desktop"),
    browsing("u4", "Chrome", day=15),
)


@pytest.mark.parametrize("shard_count", [1, 4])
@pytest.mark.parametrize(
    ("date_range", "dimension", "total", "users"),
    [
        (WEEK, PLATFORM_DIMENSION_BROWSER, 4, [("Chrome", 2), ("Firefox", 2), ("unknown", 1)]),
        (WEEK, PLATFORM_DIMENSION_DEVICE, 4, [("unknown", 2), ("desktop", 1), ("mobile", 1)]),
        (WEEK, PLATFORM_DIMENSION_OS, 4, [("unknown", 4)]),
        (None, PLATFORM_DIMENSION_BROWSER, 3, [("Firefox", 2), ("unknown", 1)]),
        (DateRange(end_date="-10d"), PLATFORM_DIMENSION_BROWSER, 0, []),
    ],
)
async def test_a_visitor_counts_for_each_platform_they_used(  # noqa: PLR0913, PLR0917 - a table of cases.
    channel: grpc.aio.Channel,
    shard_count: int,
    date_range: DateRange | None,
    dimension: PlatformDimension.ValueType,
    total: int,
    users: list[tuple[str, int]],
) -> None:
    """Over the whole range; `unknown` are those none of whose events told."""
    await make_app(channel, "shop", shard_count=shard_count)
    await send(channel, "shop", VISITS)
    response = await AnalyticsServiceStub(channel).QueryPlatforms(
        QueryPlatformsRequest(app="shop", date_range=date_range, dimension=dimension)
    )

    assert (
        QueryPlatformsResponse(
            info=response.info,
            total_users=total,
            rows=[PlatformShare(value=value, users=count, share=count / total) for value, count in users],
        )
        == response
    )


async def test_a_platform_may_be_called_unknown(channel: grpc.aio.Channel) -> None:
    """Who says so and who says nothing share a row, and nobody is in it twice."""
    await send(channel, "shop", [browsing("u1", "unknown"), browsing("u2", ""), browsing("u1", "", day=16)])
    response = await AnalyticsServiceStub(channel).QueryPlatforms(
        QueryPlatformsRequest(app="shop", date_range=WEEK, dimension=PLATFORM_DIMENSION_BROWSER)
    )

    assert (
        QueryPlatformsResponse(
            info=info("2026-06-11", "2026-06-17"),
            total_users=2,
            rows=[PlatformShare(value="unknown", users=2, share=1)],
        )
        == response
    )


DAYS = ("2026-06-10", "2026-06-11", "2026-06-15", "2026-06-17", "2026-06-17")


@pytest.mark.parametrize(
    ("interval", "rows"),
    [
        (INTERVAL_UNSPECIFIED, [("2026-06-11", 4, 1)]),
        (
            INTERVAL_DAY,
            [
                (f"2026-06-{day}", clicks, min(1, clicks))
                for day, clicks in zip(range(11, 18), (1, 0, 0, 0, 1, 0, 2), strict=True)
            ],
        ),
        (INTERVAL_WEEK, [("2026-06-08", 1, 1), ("2026-06-15", 3, 1)]),
        (INTERVAL_MONTH, [("2026-06-01", 4, 1)]),
    ],
)
async def test_traffic_has_a_row_for_every_interval(
    channel: grpc.aio.Channel, interval: Interval.ValueType, rows: list[tuple[str, int, int]]
) -> None:
    """Empty ones are there, and visitors count once in each; only days inside the range count."""
    await make_app(channel, "shop", shard_count=2)
    await send(channel, "shop", [clicked("u1", "a", f"{day}T09:00") for day in DAYS])
    response = await AnalyticsServiceStub(channel).QueryTraffic(
        QueryTrafficRequest(app="shop", date_range=WEEK, interval=interval)
    )

    assert (
        QueryTrafficResponse(
            info=info("2026-06-11", "2026-06-17"),
            rows=[Traffic(start_time=instant(day), clicks=clicks, users=users) for day, clicks, users in rows],
        )
        == response
    )
    assert all(row.HasField("users") for row in response.rows)


async def test_traffic_tells_kinds_of_events_apart(channel: grpc.aio.Channel) -> None:
    """Each kind has its own count; hours have no visitors."""
    morning, noon = "2026-06-17T01:59:59.9", "2026-06-17T12:00"
    events = [clicked("u1", "a", morning), viewed("u2", "/a", noon), viewed("u2", "/a", noon)]
    events += [hovered("u3", "b", 1, noon, clicks=True) for _ in range(3)] + [entered("u4", 1, noon) for _ in range(4)]
    await send(channel, "shop", events)
    response = await AnalyticsServiceStub(channel).QueryTraffic(QueryTrafficRequest(app="shop", interval=INTERVAL_HOUR))
    rows = [Traffic(start_time=instant(f"2026-06-17T{hour:02}:00")) for hour in range(24)]
    rows[1].clicks = 1
    rows[12].MergeFrom(Traffic(url_changes=2, btn_times=3, funnel_changes=4))

    assert QueryTrafficResponse(info=info("2026-06-17", "2026-06-17"), rows=rows) == response


def hour_starts(first: str, count: int) -> Sequence[Timestamp]:
    """Return the beginnings of some hours."""
    return [Timestamp(seconds=instant(first).ToSeconds() + hour * 3_600) for hour in range(count)]


@pytest.mark.parametrize(
    ("zone", "day", "starts", "event_time", "event_hour"),
    [
        ("Europe/Vienna", "2026-03-29", hour_starts("2026-03-28T23:00", 23), "2026-03-29T21:59:59", 22),
        ("Europe/Vienna", "2025-10-26", hour_starts("2025-10-25T22:00", 25), "2025-10-26T22:59:59", 24),
        ("Australia/Lord_Howe", "2026-04-05", hour_starts("2026-04-04T13:00", 25), "2026-04-05T13:29:59", 24),
        ("America/Sao_Paulo", "2018-11-04", hour_starts("2018-11-04T03:00", 23), "2018-11-04T03:00", 0),
        ("Pacific/Apia", "2011-12-30", [], None, None),
        ("America/St_Johns", "2010-11-06", hour_starts("2010-11-06T02:30", 25), "2010-11-07T03:29:59", 24),
        ("America/St_Johns", "2010-11-07", hour_starts("2010-11-07T02:30", 25), "2010-11-07T02:30", 0),
    ],
)
async def test_hours_follow_the_clocks_of_the_zone(  # noqa: PLR0913, PLR0917 - a table of cases.
    channel: grpc.aio.Channel,
    zone: str,
    day: str,
    starts: Sequence[Timestamp],
    event_time: str | None,
    event_hour: int | None,
) -> None:
    """A day has as many rows as hours: 23 or 25 where its clocks change, none where it is skipped."""
    await make_app(channel, "shop", time_zone=zone)
    if event_time:
        await send(channel, "shop", [clicked("u1", "a", event_time)])
    response = await AnalyticsServiceStub(channel).QueryTraffic(
        QueryTrafficRequest(app="shop", date_range=DateRange(end_date=day), interval=INTERVAL_HOUR)
    )

    expected = QueryTrafficResponse(
        info=info(day, day, zone),
        rows=[Traffic(start_time=start, clicks=int(hour == event_hour)) for hour, start in enumerate(starts)],
    )
    expected.info.audited = event_time is None  # Of a day without events nothing can be missing.

    assert expected == response


def named(event: Event, event_id: str) -> Event:
    """Give an event its id."""
    event.event_id = event_id
    return event


async def all_events(channel: grpc.aio.Channel, request: ListDeviceEventsRequest) -> tuple[list[Event], list[int]]:
    """Return the events of all pages, and the pages' sizes."""
    analytics = AnalyticsServiceStub(channel)
    events: list[Event] = []
    sizes = []
    while True:
        response = await analytics.ListDeviceEvents(request)
        events += response.events
        sizes.append(len(response.events))
        if not response.next_page_token:
            return events, sizes
        request.page_token = response.next_page_token


@pytest.mark.parametrize(("page_size", "sizes"), [(0, [7]), (3, [3, 3, 1]), (7, [7]), (1, [1] * 7)])
async def test_a_visitors_events_come_oldest_first(channel: grpc.aio.Channel, page_size: int, sizes: list[int]) -> None:
    """Page by page, over days and requests, then by id; nobody else's are among them."""
    await make_app(channel, "shop", shard_count=4)
    events = [
        named(clicked("u1", "a", "2026-06-15T09:00"), "e3"),
        named(viewed("u1", "/a", "2026-06-15T09:00:00.000001"), "e1"),
        named(entered("u1", 1, "2026-06-16T09:00"), "e5"),
        named(entered("u1", 2, "2026-06-17T09:00"), "e10"),
        named(entered("u1", 3, "2026-06-17T09:00"), "e2"),
        named(hovered("u1", "b", 1, "2026-06-17T09:00", clicks=True), "e4"),
        named(clicked("u1", "a", "2026-06-17T09:01"), "e0"),
    ]
    others = [named(clicked(visitor, "a"), "e1") for visitor in ("u", "u11", "xu1", "u2")]
    await send(channel, "shop", [*reversed(events[2:]), *others])
    await send(channel, "shop", [events[1], events[0], named(clicked("u1", "a", "2026-06-10T09:00"), "before")])

    assert (events, sizes) == await all_events(
        channel, ListDeviceEventsRequest(app="shop", device_id="u1", date_range=WEEK, page_size=page_size)
    )


async def test_whoever_asks_again_sees_what_came_meanwhile(channel: grpc.aio.Channel) -> None:
    """At every day's every change, for visitors who were there before and for those who were not."""
    sent: list[Event] = []
    for number in range(6):
        event = named(clicked(f"u{number % 2}", "a", f"2026-06-{15 + number % 3}T09:00"), f"e{number}")
        await send(channel, "shop", [event])
        sent.append(event)
        for visitor in ("u0", "u1"):
            listed, _ = await all_events(
                channel, ListDeviceEventsRequest(app="shop", device_id=visitor, date_range=WEEK, page_size=2)
            )
            expected = [event for event in sent if event.device_id == visitor]

            assert sorted(expected, key=lambda event: (event.timestamp.seconds, event.event_id)) == listed


@pytest.mark.parametrize("order", [("a", "b", "c"), ("b", "a", "c"), ("c", "b", "a")])
async def test_of_copies_that_differ_one_is_listed(channel: grpc.aio.Channel, order: Sequence[str]) -> None:
    """In whatever order they came, the one whose deterministic serialization sorts first."""
    for target in order:
        await ingest(channel, "shop", [named(clicked("u1", target), "e1")])

    assert ListDeviceEventsResponse(events=[named(clicked("u1", "a"), "e1")]) == await AnalyticsServiceStub(
        channel
    ).ListDeviceEvents(ListDeviceEventsRequest(app="shop", device_id="u1"))


async def test_an_event_sent_without_an_id_is_listed_with_one(channel: grpc.aio.Channel) -> None:
    """The server's own id, which is the same at every look."""
    sent = clicked("u1", "a")
    await send(channel, "shop", [sent])
    analytics = AnalyticsServiceStub(channel)
    request = ListDeviceEventsRequest(app="shop", device_id="u1")
    (listed,) = (await analytics.ListDeviceEvents(request)).events

    assert named(clicked("u1", "a"), listed.event_id) == listed
    assert listed.event_id
    assert [listed] == list((await analytics.ListDeviceEvents(request)).events)


@pytest.mark.parametrize("page_size", [1, 2, 50])
async def test_events_stay_in_order_where_a_clock_goes_back_over_midnight(
    channel: grpc.aio.Channel, page_size: int
) -> None:
    """In St John's, 2010-11-07 began, went back to the day before for an hour, and began again."""
    await make_app(channel, "shop", time_zone="America/St_Johns")
    events = [
        named(clicked("u1", "a", "2010-11-07T02:29:59"), "e1"),  # The 6th, 23:59:59.
        named(clicked("u1", "a", "2010-11-07T02:30:30"), "e2"),  # The 7th, 00:00:30.
        named(clicked("u1", "a", "2010-11-07T03:00"), "e3"),  # The 6th again, 23:30.
        named(clicked("u1", "a", "2010-11-07T03:30"), "e4"),  # The 7th again.
        named(clicked("u1", "a", "2010-11-08T12:00"), "e5"),
    ]
    await send(channel, "shop", events)
    listed, _ = await all_events(
        channel,
        ListDeviceEventsRequest(
            app="shop",
            device_id="u1",
            date_range=DateRange(start_date="2010-11-01", end_date="2010-11-30"),
            page_size=page_size,
        ),
    )

    assert events == listed


async def test_a_page_of_long_events_can_be_received(channel: grpc.aio.Channel) -> None:
    """A page ends early rather than pass what a client takes by default."""
    long = "/" + "🛒" * 2_000
    events = [named(viewed("u1", long, left=long), f"e{number:03}") for number in range(400)]
    for start in range(0, 400, 200):
        await send(channel, "shop", events[start : start + 200])
    listed, sizes = await all_events(channel, ListDeviceEventsRequest(app="shop", device_id="u1", page_size=1_000))

    assert events == listed
    assert [MAX_PAGE_BYTES // events[0].ByteSize()] == sizes[:1]
    assert 3 == len(sizes)


async def test_a_visitor_nobody_saw_has_no_events(channel: grpc.aio.Channel, clock: Clock) -> None:
    """Also where others have."""
    await send(channel, "shop", [clicked("u1", "a")])
    clock.time_s += 1

    assert ListDeviceEventsResponse() == await AnalyticsServiceStub(channel).ListDeviceEvents(
        ListDeviceEventsRequest(app="shop", device_id="u2", date_range=WEEK)
    )
