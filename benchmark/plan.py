"""How much is measured: normally for some minutes, quickly to see that it works."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmark.job import Method

_UNANSWERED: Final = 128
"""Requests on their way over all connections: enough that the server never waits for a sender."""
_MOST_UNANSWERED: Final = 64
"""Of one connection: the server reads no more of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCase:
    """One way of sending."""

    method: Method
    events_a_request: int
    connections: int
    events: int
    unanswered: int
    """Most requests of one connection that wait for an answer."""
    is_paced: bool = False
    """At half of the rate that the same case reached before, and for as many seconds as the plan says."""

    @property
    def name(self) -> str:
        """Say it in words."""
        many = f"{self.connections} streams" if self.connections > 1 else "1 stream"
        way = many if self.method == "stream" else f"unary, {self.unanswered * self.connections} in flight"
        return f"{self.events_a_request:,} a request, {way}{', half rate' if self.is_paced else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsPlan:
    """How reports are measured."""

    day_events: int
    days: int
    most_asked: int
    """How often each question is asked at most,"""
    asking_s: float
    """and for how long, but at least twice."""
    has_fresh_servers: bool = True
    """Whether the first question of each report is to a server of its own, which has read nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakPlan:
    """How the soak is measured."""

    case: IngestCase
    """Its events are sent again and again, by other visitors."""
    top_rounds: int
    """So many times as fast as they are taken,"""
    soak_s: float
    """and for so long at a part of that rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPlan:
    """How growth is measured."""

    case: IngestCase
    """Its events are sent again and again, by other visitors."""
    sizes: Sequence[int]
    """Events that a day is to have."""
    window_rounds: int
    """The last so many times of each size are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured, and how much of it."""

    cases: Sequence[IngestCase]
    workers_cases: Sequence[IngestCase]
    """The cases that are measured with several processes, too."""
    profiled: Sequence[IngestCase]
    paced_s: float
    step_events: int
    """Events that each step alone is given."""
    commit_events: Sequence[int]
    """Sizes of commits that the store alone is given."""
    committed_events: int
    """Events that the store alone is given in commits of each size."""
    reports: ReportsPlan
    soak: SoakPlan
    growth: GrowthPlan
    seed: int
    sender_processes: int = 2


def normal_plan(days: int, seed: int, soak_s: float, growth_events: Sequence[int]) -> Plan:
    """Return a plan of which the usual parts take some minutes."""
    streams = {
        (size, connections): _stream(size, connections, events)
        for size, events in ((1_000, 400_000), (100, 240_000), (10, 80_000))
        for connections in (1, 4, 64)
    }
    unary = {size: _unary(size, events) for size, events in ((1, 20_000), (10, 80_000))}
    return Plan(
        cases=[
            *streams.values(),
            *unary.values(),
            _paced(_stream(1_000, 4, 0)),
            _paced(_stream(100, 4, 0)),
        ],
        workers_cases=[streams[1_000, 4], streams[1_000, 64], streams[100, 4], streams[100, 64], *unary.values()],
        profiled=[streams[1_000, 4], streams[100, 4], unary[1]],
        paced_s=4.0,
        step_events=100_000,
        commit_events=(1_000, 10_000, 50_000),
        committed_events=200_000,
        reports=ReportsPlan(day_events=200_000, days=days, most_asked=50, asking_s=0.7),
        soak=SoakPlan(case=_stream(1_000, 4, 200_000), top_rounds=8, soak_s=soak_s),
        growth=GrowthPlan(case=_stream(1_000, 4, 100_000), sizes=growth_events, window_rounds=5),
        seed=seed,
    )


def quick_plan(seed: int) -> Plan:
    """Return a plan that takes some seconds, and whose figures say nothing."""
    streams, unary = _stream(100, 4, 4_000), _unary(1, 200)
    return Plan(
        cases=[streams, unary, _paced(_stream(100, 4, 0))],
        workers_cases=[streams],
        profiled=[_stream(100, 4, 20_000)],
        paced_s=0.2,
        step_events=2_000,
        commit_events=(1_000,),
        committed_events=2_000,
        reports=ReportsPlan(day_events=2_000, days=2, most_asked=3, asking_s=0.1, has_fresh_servers=False),
        soak=SoakPlan(case=_stream(100, 2, 4_000), top_rounds=2, soak_s=2.0),
        growth=GrowthPlan(case=_stream(100, 2, 2_000), sizes=(4_000, 8_000), window_rounds=1),
        seed=seed,
    )


def _stream(events_a_request: int, connections: int, events: int) -> IngestCase:
    return IngestCase(
        method="stream",
        events_a_request=events_a_request,
        connections=connections,
        events=events,
        unanswered=min(_MOST_UNANSWERED, _UNANSWERED // connections),
    )


def _unary(events_a_request: int, events: int) -> IngestCase:
    """64 calls in flight, 16 on each connection."""
    return IngestCase(method="unary", events_a_request=events_a_request, connections=4, events=events, unanswered=16)


def _paced(case: IngestCase) -> IngestCase:
    return IngestCase(
        method=case.method,
        events_a_request=case.events_a_request,
        connections=case.connections,
        events=case.events,
        unanswered=case.unanswered,
        is_paced=True,
    )
