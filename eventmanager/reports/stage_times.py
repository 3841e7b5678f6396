"""QueryStageTimes: how long visitors spend on each stage."""

from collections.abc import Iterable

from live.eventmanager.v1.analytics_service_pb2 import QueryStageTimesResponse, StageTime

from eventmanager.facts import Totals, TotalsTable
from eventmanager.reports.duration_stats import stats_of
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.totals import Selection


async def stage_times(figures: Figures, scope: Scope, stages: Iterable[int]) -> QueryStageTimesResponse:
    """Sum up the times on each stage, or on those given, in each interval."""
    asked = frozenset(stages)
    selection = Selection(figures, scope, TotalsTable.TIME_BY_STAGE, lambda key: not asked or key[0] in asked)
    by_period = await selection.by_period()
    names = scope.app.stage_names

    def row(date: str, stage: int, totals: Totals) -> StageTime:
        return StageTime(
            date=date,
            stage=stage,
            stage_name=names.get(stage, ""),
            elapsed_time=stats_of(totals.durations[0]),
            hits=totals.counts[0],
        )

    return QueryStageTimesResponse(
        info=figures.info(),
        rows=(
            row(period.start.isoformat(), stage, sums[stage,])
            for period, sums in zip(scope.periods, by_period, strict=True)
            for (stage,) in sorted(sums)
        ),
    )
