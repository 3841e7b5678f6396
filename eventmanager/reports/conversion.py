"""QueryConversion: the distinct visitors of each stage as shares of all visitors."""

from collections.abc import Iterator, Mapping

from live.eventmanager.v1.analytics_service_pb2 import QueryConversionResponse, StageConversion

from eventmanager.facts import Key, SetTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.visitors import visitors_by_period


async def conversion(figures: Figures, scope: Scope) -> QueryConversionResponse:
    """Return a row for each of the app's stages in every interval, those without visitors included, so that a chart
    has no gaps; and one for each other stage that was entered.
    """
    # In this order: what comes between is counted in the whole, and no rate passes 1.
    by_stage = await visitors_by_period(figures, scope, SetTable.USERS_BY_STAGE)
    of_all = await visitors_by_period(figures, scope, SetTable.USERS_BY_PLATFORM)
    response = QueryConversionResponse(info=figures.info())
    for period, users, everyone in zip(scope.periods, by_stage, of_all, strict=True):
        response.rows.extend(_rows(scope, period.start.isoformat(), users, everyone.get((), 0)))
    return response


def _rows(scope: Scope, date: str, users: Mapping[Key, int], total_users: int) -> Iterator[StageConversion]:
    names = scope.app.stage_names
    others = sorted(stage for (stage,) in users if stage not in names)
    for stage in (*scope.app.stages, *others):
        entered = users.get((stage,), 0)
        yield StageConversion(
            date=date,
            stage=stage,
            stage_name=names.get(stage, ""),
            users=entered,
            total_users=total_users,
            rate=entered / total_users if total_users else 0,
        )
