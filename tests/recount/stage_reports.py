"""The reports about stages, counted naively."""

from collections.abc import Collection, Sequence

from live.eventmanager.v1.analytics_service_pb2 import StageConversion, StageEdge, StageTime, StageUsers

from tests.recount.acknowledged import CountedEvent
from tests.recount.durations import elapsed_ms, stats_of
from tests.recount.question import Question


def stage_users(question: Question) -> list[StageUsers]:
    """Count the distinct visitors of each stage."""
    return [
        StageUsers(date=date, stage=stage, stage_name=question.stage_name(stage), users=len(_visitors(events, stage)))
        for date, events in question.by_interval()
        for stage in sorted(_entered(events))
    ]


def conversion(question: Question) -> list[StageConversion]:
    """Count the distinct visitors of each stage as shares of all visitors."""
    rows = []
    for date, events in question.by_interval():
        named = [stage.stage for stage in question.app.stages]
        total = len({counted.event.device_id for counted in events})
        for stage in named + sorted(_entered(events) - set(named)):
            users = len(_visitors(events, stage))
            rows.append(
                StageConversion(
                    date=date,
                    stage=stage,
                    stage_name=question.stage_name(stage),
                    users=users,
                    total_users=total,
                    rate=users / total if total else 0,
                )
            )
    return rows


def stage_times(question: Question, stages: Collection[int] = ()) -> list[StageTime]:
    """Tell how long visitors spend on each stage, or on those given."""
    rows = []
    for date, events in question.by_interval():
        for stage in sorted({_timed_stage(counted) for counted in _funnel_changes(events)}):
            changes = [counted for counted in _funnel_changes(events) if _timed_stage(counted) == stage]
            times_ms = [
                elapsed_ms(counted.event.funnel_change.elapsed_time)
                for counted in changes
                if counted.event.funnel_change.HasField("elapsed_time")
            ]
            if stage in stages or not stages:
                rows.append(
                    StageTime(
                        date=date,
                        stage=stage,
                        stage_name=question.stage_name(stage),
                        elapsed_time=stats_of(times_ms),
                        hits=len(changes),
                    )
                )
    return rows


def stage_graph(question: Question, min_users: int = 0, max_edges: int = 200) -> tuple[list[StageEdge], int]:
    """Return the graph of moves between stages, and how many edges it leaves out."""
    edges = {counted.edge for counted in question.events() if counted.edge}
    rows = []
    for from_stage, to_stage in edges:
        visitors = {counted.event.device_id for counted in question.events() if counted.edge == (from_stage, to_stage)}
        rows.append(
            StageEdge(
                from_stage=from_stage,
                from_stage_name=question.stage_name(from_stage),
                to_stage=to_stage,
                to_stage_name=question.stage_name(to_stage),
                users=len(visitors),
            )
        )
    rows.sort(key=lambda row: (-row.users, row.from_stage, row.to_stage))
    kept = [row for row in rows if row.users >= min_users][:max_edges]
    return kept, len(rows) - len(kept)


def _funnel_changes(events: Sequence[CountedEvent]) -> list[CountedEvent]:
    return [counted for counted in events if counted.event.HasField("funnel_change")]


def _entered(events: Sequence[CountedEvent]) -> set[int]:
    return {counted.event.funnel_change.entered for counted in _funnel_changes(events)}


def _visitors(events: Sequence[CountedEvent], stage: int) -> set[str]:
    return {
        counted.event.device_id for counted in _funnel_changes(events) if counted.event.funnel_change.entered == stage
    }


def _timed_stage(counted: CountedEvent) -> int:
    """Return the stage that an event's time and hit are counted for: the one left, where it is named."""
    change = counted.event.funnel_change
    return change.left if change.HasField("left") else change.entered
