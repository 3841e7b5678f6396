"""QueryStageUsers, QueryStageTimes, QueryStageGraph and QueryConversion."""

import grpc
import pytest
from live.eventmanager.v1.admin_service_pb2 import App, UpdateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_MONTH,
    INTERVAL_UNSPECIFIED,
    INTERVAL_WEEK,
    DateRange,
    DurationStats,
    Interval,
    QueryConversionRequest,
    QueryConversionResponse,
    QueryStageGraphRequest,
    QueryStageGraphResponse,
    QueryStageTimesRequest,
    QueryStageTimesResponse,
    QueryStageUsersRequest,
    QueryStageUsersResponse,
    ReportInfo,
    StageConversion,
    StageEdge,
    StageTime,
    StageUsers,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from tests.conftest import Clock
from tests.reports.visits import duration, entered, hovered, instant, make_app, send

HOME, PRODUCTS, BASKET = 0, 1, 2
STAGES = ("/home", "/products", "/basket")
TODAY = "2026-06-17"
WEEK = DateRange(start_date="-6d")


def info(first: str = TODAY, last: str = TODAY, time_zone: str = "UTC") -> ReportInfo:
    """Say what live figures of some days say of themselves."""
    return ReportInfo(
        date_range=DateRange(start_date=first, end_date=last),
        time_zone=time_zone,
        read_time=instant("2026-06-17T12:00"),
    )


async def test_two_visitors_in_one_stage_and_one_in_another(channel: grpc.aio.Channel) -> None:
    """u1 and u2 in /home and u1 in /products today give 2 and 1."""
    await make_app(channel, "007", stages=STAGES)
    await send(channel, "007", [entered("u1", HOME), entered("u2", HOME), entered("u1", PRODUCTS), entered("u1", HOME)])
    response = await AnalyticsServiceStub(channel).QueryStageUsers(QueryStageUsersRequest(app="007"))

    assert (
        QueryStageUsersResponse(
            info=info(),
            rows=[
                StageUsers(date=TODAY, stage=HOME, stage_name="/home", users=2),
                StageUsers(date=TODAY, stage=PRODUCTS, stage_name="/products", users=1),
            ],
        )
        == response
    )


async def test_times_on_stages_are_averaged(channel: grpc.aio.Channel) -> None:
    """In app 007, /home with 4 hits of 24 s in all averages 6 s, and /products with 2 hits of 12 s averages 6 s."""
    await make_app(channel, "007", stages=STAGES)
    events = [entered("u1", PRODUCTS, elapsed_s=seconds, left=HOME) for seconds in (6, 6, 6, 6)]
    events += [entered("u1", HOME, elapsed_s=seconds, left=PRODUCTS) for seconds in (6, 6)]
    await send(channel, "007", events)
    response = await AnalyticsServiceStub(channel).QueryStageTimes(QueryStageTimesRequest(app="007"))
    near_six = duration(6.016)  # The middle of the bucket that holds 6 s.

    assert (
        QueryStageTimesResponse(
            info=info(),
            rows=[
                StageTime(
                    date=TODAY,
                    stage=HOME,
                    stage_name="/home",
                    elapsed_time=DurationStats(
                        count=4, total=duration(24), average=duration(6), median=near_six, p90=near_six, p95=near_six
                    ),
                    hits=4,
                ),
                StageTime(
                    date=TODAY,
                    stage=PRODUCTS,
                    stage_name="/products",
                    elapsed_time=DurationStats(
                        count=2, total=duration(12), average=duration(6), median=near_six, p90=near_six, p95=near_six
                    ),
                    hits=2,
                ),
            ],
        )
        == response
    )


async def test_a_stage_without_times_has_hits(channel: grpc.aio.Channel) -> None:
    """Where no time was sent there are no durations; only the stages asked for are told of."""
    await send(channel, "shop", [entered("u1", 3), entered("u2", 3), entered("u1", 4), entered("u1", 5)])
    response = await AnalyticsServiceStub(channel).QueryStageTimes(
        QueryStageTimesRequest(app="shop", stages=[5, 3, 9], interval=INTERVAL_DAY)
    )

    assert (
        QueryStageTimesResponse(
            info=info(), rows=[StageTime(date=TODAY, stage=3, hits=2), StageTime(date=TODAY, stage=5, hits=1)]
        )
        == response
    )


@pytest.mark.parametrize(
    ("interval", "rows"),
    [
        (INTERVAL_UNSPECIFIED, [("2026-06-11", 3)]),
        (INTERVAL_DAY, [("2026-06-11", 2), ("2026-06-14", 1), ("2026-06-15", 2), ("2026-06-17", 1)]),
        (INTERVAL_WEEK, [("2026-06-08", 2), ("2026-06-15", 2)]),
        (INTERVAL_MONTH, [("2026-06-01", 3)]),
    ],
)
async def test_a_visitor_counts_once_in_an_interval(
    channel: grpc.aio.Channel, interval: Interval.ValueType, rows: list[tuple[str, int]]
) -> None:
    """However many days they came, and only days inside the range count."""
    await make_app(channel, "shop", shard_count=4)
    visits = [("2026-06-10", "u9"), ("2026-06-11", "u1"), ("2026-06-11", "u2"), ("2026-06-14", "u1")]
    visits += [("2026-06-15", "u1"), ("2026-06-15", "u3"), ("2026-06-17", "u3")]
    await send(channel, "shop", [entered(visitor, HOME, f"{date}T09:00") for date, visitor in visits])
    response = await AnalyticsServiceStub(channel).QueryStageUsers(
        QueryStageUsersRequest(app="shop", date_range=WEEK, interval=interval)
    )

    assert (
        QueryStageUsersResponse(
            info=info("2026-06-11"), rows=[StageUsers(date=date, stage=HOME, users=users) for date, users in rows]
        )
        == response
    )


@pytest.mark.parametrize(("before", "after"), [(1, 8), (8, 1), (2, 4)])
async def test_a_range_over_a_change_of_shards_counts_every_visitor_once(
    channel: grpc.aio.Channel, clock: Clock, before: int, after: int
) -> None:
    """Days split into different numbers of shards are united shard by shard."""
    await make_app(channel, "shop", shard_count=before)
    await AdminServiceStub(channel).UpdateApp(UpdateAppRequest(app=App(app="shop", shard_count=after)))
    clock.time_s += 4 * 86_400
    visitors = [f"u{number}" for number in range(50)]
    for day in range(17, 22):
        await send(
            channel, "shop", [entered(visitor, HOME, f"2026-06-{day}T09:00") for visitor in visitors[day - 17 :]]
        )
    analytics = AnalyticsServiceStub(channel)
    days = await analytics.QueryStageUsers(QueryStageUsersRequest(app="shop", date_range=WEEK, interval=INTERVAL_DAY))
    whole = await analytics.QueryStageUsers(QueryStageUsersRequest(app="shop", date_range=WEEK))

    assert [50, 49, 48, 47, 46] == [row.users for row in days.rows]
    assert [50] == [row.users for row in whole.rows]


async def test_many_stages_are_counted_alike(channel: grpc.aio.Channel) -> None:
    """However many stages there are, each has its own visitors."""
    events = [
        entered(f"u{visitor}", stage, f"2026-06-{day}T09:00")
        for day in (16, 17)
        for stage in range(100)
        for visitor in range(day, day + 1 + stage % 3)
    ]
    await send(channel, "shop", events)
    response = await AnalyticsServiceStub(channel).QueryStageUsers(
        QueryStageUsersRequest(app="shop", date_range=DateRange(start_date="-1d"))
    )

    assert [StageUsers(date="2026-06-16", stage=stage, users=2 + stage % 3) for stage in range(100)] == list(
        response.rows
    )


async def test_days_past_their_retention_are_empty(channel: grpc.aio.Channel, clock: Clock) -> None:
    """A day is reported as many days longer as it is kept, in the app's own days."""
    await make_app(channel, "shop", retention_days=2, time_zone="Europe/Vienna")
    await send(channel, "shop", [entered("u1", HOME, "2026-06-16T09:00"), entered("u1", HOME, "2026-06-17T09:00")])
    request = QueryStageUsersRequest(app="shop", date_range=DateRange(start_date="2026-06-16"), interval=INTERVAL_DAY)
    analytics = AnalyticsServiceStub(channel)
    clock.time_s = instant("2026-06-18T21:59:59").ToSeconds()  # A second before midnight in Vienna.
    before = await analytics.QueryStageUsers(request)
    clock.time_s += 1
    after = await analytics.QueryStageUsers(request)

    assert ["2026-06-16", "2026-06-17"] == [row.date for row in before.rows]
    assert ["2026-06-17"] == [row.date for row in after.rows]
    assert DateRange(start_date="2026-06-16", end_date="2026-06-19") == after.info.date_range


async def test_moves_between_stages_make_a_graph(channel: grpc.aio.Channel) -> None:
    """Edges weigh their distinct visitors over the whole range, heaviest first, then by ids."""
    await make_app(channel, "shop", stages=STAGES)
    moves = [("u1", HOME, PRODUCTS), ("u2", HOME, PRODUCTS), ("u1", PRODUCTS, BASKET), ("u1", BASKET, HOME)]
    moves += [("u3", PRODUCTS, 7), ("u4", PRODUCTS, 7)]
    events = [
        entered(visitor, to, f"2026-06-{day}T09:00", left=left) for visitor, left, to in moves for day in (16, 17)
    ]
    await send(channel, "shop", events)
    response = await AnalyticsServiceStub(channel).QueryStageGraph(QueryStageGraphRequest(app="shop", date_range=WEEK))

    assert (
        QueryStageGraphResponse(
            info=info("2026-06-11"),
            edges=[
                edge(HOME, PRODUCTS, 2),
                edge(PRODUCTS, 7, 2),
                edge(PRODUCTS, BASKET, 1),
                edge(BASKET, HOME, 1),
            ],
        )
        == response
    )


def edge(left: int, to: int, users: int) -> StageEdge:
    """Return an edge between stages that the app names, or does not."""
    names = dict(enumerate(STAGES))
    return StageEdge(
        from_stage=left,
        from_stage_name=names.get(left, ""),
        to_stage=to,
        to_stage_name=names.get(to, ""),
        users=users,
    )


@pytest.mark.parametrize(
    ("min_users", "max_edges", "edges", "omitted"),
    [
        (0, 0, [4, 3, 2, 1], 0),
        (3, 0, [4, 3], 2),
        (0, 1, [4], 3),
        (2, 2, [4, 3], 2),
        (9, 0, [], 4),
        (0, 10_000, [4, 3, 2, 1], 0),
    ],
)
async def test_light_edges_are_left_out(
    channel: grpc.aio.Channel, min_users: int, max_edges: int, edges: list[int], omitted: int
) -> None:
    """Edges with few visitors and those beyond the most are counted, not told of."""
    events = [entered(f"u{visitor}", stage, left=9) for stage in range(4) for visitor in range(4 - stage)]
    await send(channel, "shop", events)
    response = await AnalyticsServiceStub(channel).QueryStageGraph(
        QueryStageGraphRequest(app="shop", min_users=min_users, max_edges=max_edges)
    )

    assert edges == [row.users for row in response.edges]
    assert omitted == response.omitted_edges


async def test_conversion_is_a_share_of_all_visitors(channel: grpc.aio.Channel) -> None:
    """The app's stages come first, in its order, those nobody entered included; visitors of no stage count as well."""
    await make_app(channel, "shop", stages=STAGES)
    events = [entered("u1", HOME), entered("u2", HOME), entered("u2", PRODUCTS), entered("u2", 9), entered("u3", 5)]
    await send(channel, "shop", [*events, hovered("u4", "div/button", 1, clicks=True)])
    response = await AnalyticsServiceStub(channel).QueryConversion(QueryConversionRequest(app="shop"))

    assert (
        QueryConversionResponse(
            info=info(),
            rows=[
                StageConversion(date=TODAY, stage=HOME, stage_name="/home", users=2, total_users=4, rate=0.5),
                StageConversion(date=TODAY, stage=PRODUCTS, stage_name="/products", users=1, total_users=4, rate=0.25),
                StageConversion(date=TODAY, stage=BASKET, stage_name="/basket", total_users=4),
                StageConversion(date=TODAY, stage=5, users=1, total_users=4, rate=0.25),
                StageConversion(date=TODAY, stage=9, users=1, total_users=4, rate=0.25),
            ],
        )
        == response
    )


async def test_conversion_has_no_gaps(channel: grpc.aio.Channel) -> None:
    """Intervals without visitors have the app's stages, too; a visitor of two days counts once in a week."""
    await make_app(channel, "shop", stages=["/home"])
    await send(channel, "shop", [entered("u1", HOME, f"2026-06-{day}T09:00") for day in (15, 17)])
    await send(
        channel, "shop", [hovered("u2", "div/button", 1, f"2026-06-{day}T09:00", clicks=True) for day in (16, 17)]
    )
    analytics = AnalyticsServiceStub(channel)
    days = DateRange(start_date="-3d")
    by_day = await analytics.QueryConversion(QueryConversionRequest(app="shop", date_range=days, interval=INTERVAL_DAY))
    by_week = await analytics.QueryConversion(
        QueryConversionRequest(app="shop", date_range=days, interval=INTERVAL_WEEK)
    )

    assert [
        StageConversion(date="2026-06-14", stage=HOME, stage_name="/home"),
        StageConversion(date="2026-06-15", stage=HOME, stage_name="/home", users=1, total_users=1, rate=1),
        StageConversion(date="2026-06-16", stage=HOME, stage_name="/home", total_users=1),
        StageConversion(date="2026-06-17", stage=HOME, stage_name="/home", users=1, total_users=2, rate=0.5),
    ] == list(by_day.rows)
    assert [
        StageConversion(date="2026-06-08", stage=HOME, stage_name="/home"),
        StageConversion(date="2026-06-15", stage=HOME, stage_name="/home", users=1, total_users=2, rate=0.5),
    ] == list(by_week.rows)


async def test_days_are_those_of_the_apps_zone(channel: grpc.aio.Channel) -> None:
    """Just before midnight in Vienna is another day than just after, whatever the day is elsewhere."""
    await make_app(channel, "shop", time_zone="Europe/Vienna")
    await send(channel, "shop", [entered("u1", HOME, "2026-06-16T21:59:59.9"), entered("u2", HOME, "2026-06-16T22:00")])
    response = await AnalyticsServiceStub(channel).QueryStageUsers(
        QueryStageUsersRequest(app="shop", date_range=DateRange(start_date="-1d"), interval=INTERVAL_DAY)
    )

    assert (
        QueryStageUsersResponse(
            info=info("2026-06-16", time_zone="Europe/Vienna"),
            rows=[
                StageUsers(date="2026-06-16", stage=HOME, users=1),
                StageUsers(date="2026-06-17", stage=HOME, users=1),
            ],
        )
        == response
    )
