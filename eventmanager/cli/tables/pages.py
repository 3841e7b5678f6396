"""Reports about pages and what is on them, as tables."""

from live.eventmanager.v1.analytics_service_pb2 import (
    ButtonActions,
    QueryButtonActionsResponse,
    QueryClickTargetsResponse,
    QueryPageViewsResponse,
)
from rich.console import Group

from eventmanager.cli.tables.figures import (
    NOTHING,
    average_median_p90,
    bar,
    number,
    percent,
    time_span,
)
from eventmanager.cli.tables.frame import BAR, DATE, Column, figure, framed


def page_views(report: QueryPageViewsResponse) -> Group:
    """Show the views of each page."""
    most = max((row.views for row in report.rows), default=0)
    return framed(
        "Views of each page",
        report.info,
        (DATE, Column("Page"), figure("Views"), figure("Average"), figure("Median"), figure("p90"), BAR),
        [
            (row.date, row.url, number(row.views), *average_median_p90(row.elapsed_time), bar(row.views, most))
            for row in report.rows
        ],
    )


def click_targets(report: QueryClickTargetsResponse) -> Group:
    """Show the clicks on each element."""
    most = max((row.clicks for row in report.rows), default=0)
    return framed(
        "Clicks on each element",
        report.info,
        (DATE, Column("Page"), Column("Element"), figure("Clicks"), BAR),
        [(row.date, row.current_url, row.target, number(row.clicks), bar(row.clicks, most)) for row in report.rows],
    )


def button_actions(report: QueryButtonActionsResponse) -> Group:
    """Show how hovers over each button end, and, for the first, how that depends on their length."""
    table = framed(
        "How hovers over buttons end",
        report.info,
        (
            DATE,
            Column("Button"),
            figure("Hovers"),
            figure("Clicked"),
            figure("after"),
            figure("Left after"),
            figure("Correlation"),
        ),
        [
            (
                row.date,
                row.target,
                number(row.hits),
                percent(row.hover_click.share),
                average_median_p90(row.hover_click.elapsed_time)[0],
                average_median_p90(row.hover_leave.elapsed_time)[0],
                f"{row.click_correlation:+.2f}" if row.HasField("click_correlation") else NOTHING,
            )
            for row in report.rows
        ],
    )
    return Group(table, _bands(report, report.rows[0])) if report.rows else table


def _bands(report: QueryButtonActionsResponse, button: ButtonActions) -> Group:
    return framed(
        f"How long a hover over {button.target} lasts, and how often it is clicked then",
        report.info,
        (figure("From"), figure("To"), figure("Hovers"), figure("Clicked"), BAR),
        [
            (
                time_span(band.min_time),
                time_span(band.max_time),
                number(band.hits),
                percent(band.click_share),
                bar(band.click_share, 1, "green"),
            )
            for band in button.bands
        ],
    )
