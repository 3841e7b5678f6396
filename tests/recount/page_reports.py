"""The reports about pages, their elements and buttons, counted naively."""

from collections.abc import Sequence

from live.eventmanager.v1.analytics_service_pb2 import ActionStats, ButtonActions, ClickTarget, DurationBand, PageViews
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    BTN_ACTION_HOVER_THEN_LEAVE,
    BtnAction,
    BtnTime,
)

from tests.recount.durations import as_duration, correlation_of, elapsed_ms, stats_of
from tests.recount.question import Question

_BANDS_MS = [(0, 128)] + [(128 << octave, 256 << octave) for octave in range(32)]


def button_actions(question: Question, target: str = "") -> list[ButtonActions]:
    """Tell how hovers over buttons, or over one, end and after how long."""
    rows = []
    for date, events in question.by_interval():
        hovers = [counted.event.btn_time for counted in events if counted.event.HasField("btn_time")]
        of_date = []
        for button in {hover.target for hover in hovers}:
            mine = [hover for hover in hovers if hover.target == button]
            clicks_ms = _times_of(mine, BTN_ACTION_HOVER_THEN_CLICKED)
            leaves_ms = _times_of(mine, BTN_ACTION_HOVER_THEN_LEAVE)
            of_date.append(
                ButtonActions(
                    date=date,
                    target=button,
                    hits=len(mine),
                    hover_leave=ActionStats(share=len(leaves_ms) / len(mine), elapsed_time=stats_of(leaves_ms)),
                    hover_click=ActionStats(share=len(clicks_ms) / len(mine), elapsed_time=stats_of(clicks_ms)),
                    click_correlation=correlation_of(clicks_ms, leaves_ms),
                    bands=_bands(clicks_ms, leaves_ms),
                )
            )
        of_date.sort(key=lambda row: (-row.hits, row.target))
        rows += [row for row in of_date if target in ("", row.target)]
    return rows


def page_views(question: Question, url: str = "") -> list[PageViews]:
    """Count the views of each page, or of one, and the time spent on it."""
    rows = []
    for date, events in question.by_interval():
        changes = [counted.event.url_change for counted in events if counted.event.HasField("url_change")]
        timed = [change for change in changes if change.HasField("elapsed_time") and change.from_url]
        of_date = [
            PageViews(
                date=date,
                url=page,
                views=len([change for change in changes if change.to_url == page]),
                elapsed_time=stats_of([elapsed_ms(change.elapsed_time) for change in timed if change.from_url == page]),
            )
            for page in {change.to_url for change in changes} | {change.from_url for change in timed}
        ]
        of_date.sort(key=lambda row: (-row.views, row.url))
        rows += [row for row in of_date if url in ("", row.url)]
    return rows


def click_targets(question: Question, current_url: str = "") -> list[ClickTarget]:
    """Count the clicks on each element, of all pages or of one."""
    rows = []
    for date, events in question.by_interval():
        clicks = [counted.event.click for counted in events if counted.event.HasField("click")]
        of_date = []
        for page, target in {(click.current_url, click.target) for click in clicks}:
            mine = [click for click in clicks if (click.current_url, click.target) == (page, target)]
            times_ms = [elapsed_ms(click.elapsed_time) for click in mine if click.HasField("elapsed_time")]
            times = stats_of(times_ms)
            of_date.append(
                ClickTarget(date=date, current_url=page, target=target, clicks=len(mine), elapsed_time=times)
            )
        of_date.sort(key=lambda row: (-row.clicks, row.current_url, row.target))
        rows += [row for row in of_date if current_url in ("", row.current_url)]
    return rows


def _times_of(hovers: Sequence[BtnTime], action: BtnAction.ValueType) -> list[int]:
    return [elapsed_ms(hover.elapsed_time) for hover in hovers if hover.action == action]


def _bands(clicks_ms: Sequence[int], leaves_ms: Sequence[int]) -> list[DurationBand]:
    bands = []
    for shortest, longest in _BANDS_MS:
        clicks = [time_ms for time_ms in clicks_ms if shortest <= time_ms < longest]
        leaves = [time_ms for time_ms in leaves_ms if shortest <= time_ms < longest]
        hits = len(clicks) + len(leaves)
        if hits:
            bands.append(
                DurationBand(
                    min_time=as_duration(shortest),
                    max_time=as_duration(longest),
                    hits=hits,
                    click_share=len(clicks) / hits,
                )
            )
    return bands
