"""QueryStageUsers: the distinct visitors of each stage."""

from live.eventmanager.v1.analytics_service_pb2 import QueryStageUsersResponse, StageUsers

from eventmanager.facts import SetTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.visitors import visitors_by_period


async def stage_users(figures: Figures, scope: Scope) -> QueryStageUsersResponse:
    """Count the distinct visitors of each stage in each interval."""
    by_period = await visitors_by_period(figures, scope, SetTable.USERS_BY_STAGE)
    names = scope.app.stage_names
    return QueryStageUsersResponse(
        info=figures.info(),
        rows=(
            StageUsers(date=period.start.isoformat(), stage=stage, stage_name=names.get(stage, ""), users=users)
            for period, counts in zip(scope.periods, by_period, strict=True)
            for (stage,), users in sorted(counts.items())
        ),
    )
