"""QueryStageGraph: how many distinct visitors move from each stage to each other one."""

import asyncio
import heapq
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import QueryStageGraphResponse, StageEdge

from eventmanager.errors import InvalidRequestError
from eventmanager.facts import SetTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.visitors import visitors_by_period

DEFAULT_EDGES: Final = 200
MAX_EDGES: Final = 10_000


def check_edge_limits(min_users: int, max_edges: int) -> None:
    """Raise InvalidRequestError where a limit cannot be."""
    if min_users < 0:
        raise InvalidRequestError("min_users", f"{min_users:,} is below zero.")
    if not 0 <= max_edges <= MAX_EDGES:
        raise InvalidRequestError(
            "max_edges", f"{max_edges:,} is not from 1 to {MAX_EDGES:,}, or 0 for {DEFAULT_EDGES}."
        )


async def stage_graph(figures: Figures, scope: Scope, min_users: int, max_edges: int) -> QueryStageGraphResponse:
    """Return the heaviest edges over the whole range, at most `max_edges` (0 stands for the default)."""
    (users,) = await visitors_by_period(figures, scope, SetTable.STAGE_GRAPH)
    heavy = ((-count, edge) for edge, count in users.items() if count >= min_users)
    # In a thread, for stages may be many and edges their square.
    ranks = await asyncio.to_thread(heapq.nsmallest, max_edges or DEFAULT_EDGES, heavy)
    names = scope.app.stage_names
    return QueryStageGraphResponse(
        info=figures.info(),
        edges=(
            StageEdge(
                from_stage=from_stage,
                from_stage_name=names.get(from_stage, ""),
                to_stage=to_stage,
                to_stage_name=names.get(to_stage, ""),
                users=-count,
            )
            for count, (from_stage, to_stage) in ranks
        ),
        omitted_edges=len(users) - len(ranks),
    )
