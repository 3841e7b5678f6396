"""Reports about the stages of the funnel, as tables."""

from live.eventmanager.v1.analytics_service_pb2 import (
    QueryConversionResponse,
    QueryStageGraphResponse,
    QueryStageTimesResponse,
    QueryStageUsersResponse,
)
from rich.console import Group

from eventmanager.cli.tables.figures import average_median_p90, bar, number, percent, seconds_of
from eventmanager.cli.tables.frame import BAR, DATE, Column, figure, framed

_STAGE = Column("Stage")


def stage_users(report: QueryStageUsersResponse) -> Group:
    """Show the visitors of each stage."""
    most = max((row.users for row in report.rows), default=0)
    return framed(
        "Visitors of each stage",
        report.info,
        (DATE, _STAGE, figure("Visitors"), BAR),
        [(row.date, _named(row.stage, row.stage_name), number(row.users), bar(row.users, most)) for row in report.rows],
    )


def stage_times(report: QueryStageTimesResponse) -> Group:
    """Show the time spent on each stage."""
    averages_s = [seconds_of(row.elapsed_time.average) for row in report.rows]
    return framed(
        "Time spent on each stage",
        report.info,
        (DATE, _STAGE, figure("Hits"), figure("Average"), figure("Median"), figure("p90"), BAR),
        [
            (
                row.date,
                _named(row.stage, row.stage_name),
                number(row.hits),
                *average_median_p90(row.elapsed_time),
                bar(average_s, max(averages_s)),
            )
            for row, average_s in zip(report.rows, averages_s, strict=True)
        ],
    )


def conversion(report: QueryConversionResponse) -> Group:
    """Show the share of all visitors that each stage has."""
    return framed(
        "Conversion: visitors of each stage among all",
        report.info,
        (DATE, _STAGE, figure("Visitors"), figure("Of"), figure("Rate"), BAR),
        [
            (
                row.date,
                _named(row.stage, row.stage_name),
                number(row.users),
                number(row.total_users),
                percent(row.rate),
                bar(row.rate, 1, "green"),
            )
            for row in report.rows
        ],
    )


def stage_graph(report: QueryStageGraphResponse) -> Group:
    """Show the moves from stage to stage."""
    most = max((edge.users for edge in report.edges), default=0)
    omitted = f", {number(report.omitted_edges)} more left out" if report.omitted_edges else ""
    return framed(
        f"Moves from stage to stage{omitted}",
        report.info,
        (Column("From"), Column("To"), figure("Visitors"), BAR),
        [
            (
                _named(edge.from_stage, edge.from_stage_name),
                _named(edge.to_stage, edge.to_stage_name),
                number(edge.users),
                bar(edge.users, most),
            )
            for edge in report.edges
        ],
    )


def _named(stage: int, name: str) -> str:
    return f"{stage} {name}" if name else str(stage)
