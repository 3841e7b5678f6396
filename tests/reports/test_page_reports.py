"""QueryButtonActions, QueryPageViews and QueryClickTargets."""

from collections.abc import AsyncIterator

import grpc
import pytest
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_WEEK,
    ActionStats,
    ButtonActions,
    ClickTarget,
    DateRange,
    DurationBand,
    DurationStats,
    PageViews,
    QueryButtonActionsRequest,
    QueryButtonActionsResponse,
    QueryClickTargetsRequest,
    QueryClickTargetsResponse,
    QueryPageViewsRequest,
    QueryPageViewsResponse,
    ReportInfo,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.reports import totals
from tests.conftest import Clock
from tests.reports.visits import clicked, duration, hovered, instant, send, viewed

TODAY = "2026-06-17"
INFO = ReportInfo(
    date_range=DateRange(start_date=TODAY, end_date=TODAY), time_zone="UTC", read_time=instant("2026-06-17T12:00")
)


async def test_hovers_end_with_leaving_or_a_click(channel: grpc.aio.Channel) -> None:
    """hover_leave 16, elapsed_leave 24, hover_click 4, elapsed_click 10, hit 20 give shares 0.8 and 0.2 and averages
    1.5 s and 2.5 s.
    """
    events = [hovered("u1", "div/button", 1.5, clicks=False) for _ in range(16)]
    events += [hovered("u1", "div/button", 2.5, clicks=True) for _ in range(4)]
    await send(channel, "007", events)
    response = await AnalyticsServiceStub(channel).QueryButtonActions(QueryButtonActionsRequest(app="007"))
    near_leave, near_click = duration(1.504), duration(2.496)  # The middles of their buckets.

    assert (
        QueryButtonActionsResponse(
            info=INFO,
            rows=[
                ButtonActions(
                    date=TODAY,
                    target="div/button",
                    hits=20,
                    hover_leave=ActionStats(
                        share=0.8,
                        elapsed_time=DurationStats(
                            count=16,
                            total=duration(24),
                            average=duration(1.5),
                            median=near_leave,
                            p90=near_leave,
                            p95=near_leave,
                        ),
                    ),
                    hover_click=ActionStats(
                        share=0.2,
                        elapsed_time=DurationStats(
                            count=4,
                            total=duration(10),
                            average=duration(2.5),
                            median=near_click,
                            p90=near_click,
                            p95=near_click,
                        ),
                    ),
                    click_correlation=1,
                    bands=[
                        DurationBand(min_time=duration(1.024), max_time=duration(2.048), hits=16),
                        DurationBand(min_time=duration(2.048), max_time=duration(4.096), hits=4, click_share=1),
                    ],
                )
            ],
        )
        == response
    )


async def test_a_button_that_nobody_left_has_no_correlation(channel: grpc.aio.Channel) -> None:
    """Where one action is missing its share is 0, its durations and the correlation are absent."""
    await send(channel, "shop", [hovered("u1", "a", 0.02, clicks=True), hovered("u1", "b", 0, clicks=False)])
    response = await AnalyticsServiceStub(channel).QueryButtonActions(QueryButtonActionsRequest(app="shop", target="a"))
    elapsed = duration(0.02)
    (row,) = response.rows

    assert (
        ButtonActions(
            date=TODAY,
            target="a",
            hits=1,
            hover_leave=ActionStats(),
            hover_click=ActionStats(
                share=1,
                elapsed_time=DurationStats(
                    count=1, total=elapsed, average=elapsed, median=elapsed, p90=elapsed, p95=elapsed
                ),
            ),
            bands=[DurationBand(min_time=duration(0), max_time=duration(0.128), hits=1, click_share=1)],
        )
        == row
    )
    assert not row.HasField("click_correlation")


async def test_pages_are_ranked_by_views(channel: grpc.aio.Channel) -> None:
    """Most views first, then by URL; a page that was only left has a row, with its time."""
    events = [viewed("u1", url) for url in ("/b", "/a", "/c", "/c")]
    await send(channel, "shop", [*events, viewed("u1", "/c", left="/z", elapsed_s=0.01)])
    analytics = AnalyticsServiceStub(channel)
    response = await analytics.QueryPageViews(QueryPageViewsRequest(app="shop"))
    elapsed = duration(0.01)
    time_on_z = DurationStats(count=1, total=elapsed, average=elapsed, median=elapsed, p90=elapsed, p95=elapsed)

    assert (
        QueryPageViewsResponse(
            info=INFO,
            rows=[
                PageViews(date=TODAY, url="/c", views=3),
                PageViews(date=TODAY, url="/a", views=1),
                PageViews(date=TODAY, url="/b", views=1),
                PageViews(date=TODAY, url="/z", elapsed_time=time_on_z),
            ],
        )
        == response
    )
    assert [PageViews(date=TODAY, url="/a", views=1)] == list(
        (await analytics.QueryPageViews(QueryPageViewsRequest(app="shop", url="/a"))).rows
    )


async def test_clicks_are_ranked_by_element_and_page(channel: grpc.aio.Channel) -> None:
    """Most clicks first, then by page, then by element; one page can be asked for."""
    events = [clicked("u1", target, url=url) for url, target in (("/b", "x"), ("/a", "y"), ("/a", "x"), ("/b", "y"))]
    await send(channel, "shop", [*events, clicked("u1", "y", url="/b", elapsed_s=0.01)])
    analytics = AnalyticsServiceStub(channel)
    response = await analytics.QueryClickTargets(QueryClickTargetsRequest(app="shop"))
    elapsed = duration(0.01)
    before = DurationStats(count=1, total=elapsed, average=elapsed, median=elapsed, p90=elapsed, p95=elapsed)

    assert (
        QueryClickTargetsResponse(
            info=INFO,
            rows=[
                ClickTarget(date=TODAY, current_url="/b", target="y", clicks=2, elapsed_time=before),
                ClickTarget(date=TODAY, current_url="/a", target="x", clicks=1),
                ClickTarget(date=TODAY, current_url="/a", target="y", clicks=1),
                ClickTarget(date=TODAY, current_url="/b", target="x", clicks=1),
            ],
        )
        == response
    )
    assert ["x", "y"] == [
        row.target
        for row in (await analytics.QueryClickTargets(QueryClickTargetsRequest(app="shop", current_url="/a"))).rows
    ]


async def pages_of(
    analytics: AnalyticsServiceStub, request: QueryPageViewsRequest
) -> AsyncIterator[QueryPageViewsResponse]:
    """Ask for page after page, to the last."""
    while True:
        response = await analytics.QueryPageViews(request)
        yield response
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


VIEWS = [
    (f"2026-06-{day}", f"/{page}")
    for day in (15, 16, 17)
    for page, views in (("a", 3), ("b", 3), ("c", 1), ("d", 2))
    for _ in range(views)
]
RANKED = ["/a", "/b", "/d", "/c"]


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 5, 12, 1_000])
@pytest.mark.parametrize("kept_rows", [0, 1_000])
async def test_pages_follow_each_other(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch, page_size: int, kept_rows: int
) -> None:
    """Page by page, of any size, every row comes once and in order; also where an interval's rows are read twice."""
    monkeypatch.setattr(totals, "MAX_KEPT_ROWS", kept_rows)
    await send(channel, "shop", [viewed("u1", url, f"{date}T09:00") for date, url in VIEWS])
    request = QueryPageViewsRequest(
        app="shop", date_range=DateRange(start_date="-2d"), interval=INTERVAL_DAY, page_size=page_size
    )
    rows = []
    async for response in pages_of(AnalyticsServiceStub(channel), request):
        assert 1 <= len(response.rows) <= page_size
        rows += [(row.date, row.url) for row in response.rows]

    assert [(f"2026-06-{day}", url) for day in (15, 16, 17) for url in RANKED] == rows


@pytest.mark.parametrize("kept_rows", [0, 1_000])
async def test_days_of_an_interval_add_up(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch, kept_rows: int
) -> None:
    """A week's rows are ranked by the sums of its days, and hold their durations."""
    monkeypatch.setattr(totals, "MAX_KEPT_ROWS", kept_rows)
    events = [viewed("u1", url, f"{date}T09:00", left="/a", elapsed_s=0.01) for date, url in VIEWS]
    await send(channel, "shop", events)
    response = await AnalyticsServiceStub(channel).QueryPageViews(
        QueryPageViewsRequest(
            app="shop", date_range=DateRange(start_date="2026-06-01"), interval=INTERVAL_WEEK, page_size=2
        )
    )
    elapsed = duration(0.01)

    assert [
        PageViews(
            date="2026-06-15",
            url="/a",
            views=9,
            elapsed_time=DurationStats(
                count=27, total=duration(0.27), average=elapsed, median=elapsed, p90=elapsed, p95=elapsed
            ),
        ),
        PageViews(date="2026-06-15", url="/b", views=9),
    ] == list(response.rows)


async def test_today_stays_the_same_day_from_page_to_page(channel: grpc.aio.Channel, clock: Clock) -> None:
    """A page asked for after midnight goes on with the day of the first."""
    await send(channel, "shop", [viewed("u1", "/a"), viewed("u1", "/b")])
    analytics = AnalyticsServiceStub(channel)
    request = QueryPageViewsRequest(app="shop", date_range=DateRange(start_date="today"), page_size=1)
    request.page_token = (await analytics.QueryPageViews(request)).next_page_token
    clock.time_s += 86_400
    second = await analytics.QueryPageViews(request)

    assert [PageViews(date=TODAY, url="/b", views=1)] == list(second.rows)
    assert INFO.date_range == second.info.date_range
    assert not second.next_page_token


async def test_an_app_without_events_has_no_rows(channel: grpc.aio.Channel) -> None:
    """There is one page, and it is empty."""
    await send(channel, "shop", [viewed("u1", "/a", "2026-06-01T09:00")])
    response = await AnalyticsServiceStub(channel).QueryClickTargets(QueryClickTargetsRequest(app="shop"))

    expected = QueryClickTargetsResponse(info=INFO)
    expected.info.audited = True  # Of a day without events nothing can be missing.

    assert expected == response
