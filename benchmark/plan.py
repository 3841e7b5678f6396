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


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured, and how much of it."""

    cases: Sequence[IngestCase]
    paced_s: float
    step_events: int
    """Events that each step alone is given."""
    commit_events: Sequence[int]
    """Sizes of commits that the store alone is given."""
    committed_events: int
    """Events that the store alone is given in commits of each size."""
    day_events: int
    days: int
    most_asked: int
    """How often each question is asked at most,"""
    asking_s: float
    """and for how long, but at least thrice."""
    seed: int
    sender_processes: int = 2


def normal_plan(days: int, seed: int) -> Plan:
    """Return a plan that takes some minutes."""
    return Plan(
        cases=[
            *(_stream(1_000, connections, 400_000) for connections in (1, 4, 64)),
            *(_stream(100, connections, 240_000) for connections in (1, 4, 64)),
            *(_stream(10, connections, 80_000) for connections in (1, 4, 64)),
            _unary(1, 20_000),
            _unary(10, 80_000),
            _paced(_stream(1_000, 4, 0)),
            _paced(_stream(100, 4, 0)),
        ],
        paced_s=4.0,
        step_events=100_000,
        commit_events=(1_000, 10_000, 50_000),
        committed_events=200_000,
        day_events=200_000,
        days=days,
        most_asked=100,
        asking_s=1.5,
        seed=seed,
    )


def quick_plan(seed: int) -> Plan:
    """Return a plan that takes some seconds, and whose figures say nothing."""
    return Plan(
        cases=[
            _stream(100, 4, 4_000),
            _unary(1, 200),
            _paced(_stream(100, 4, 0)),
        ],
        paced_s=0.2,
        step_events=2_000,
        commit_events=(1_000,),
        committed_events=2_000,
        day_events=2_000,
        days=2,
        most_asked=3,
        asking_s=0.1,
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
