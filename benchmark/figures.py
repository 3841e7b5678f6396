"""What was measured, as `--json` writes it: field names tell the units."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """One step of ingest alone, on one core."""

    step: str
    events_a_request: int
    us_an_event: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFigures:
    """The store alone: commits one after the other, until their figures can be read."""

    commit_events: int
    events_per_s: float
    cpu_us_an_event: float
    node_cpu_us_an_event: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestFigures:
    """One way of sending, to a server of its own on a store of its own."""

    method: str
    events_a_request: int
    connections: int
    unanswered: int
    """Most requests that wait for an answer, over all connections."""
    is_paced: bool
    events: int
    events_per_s: float
    """Answered as durable."""
    p50_ms: float
    """From sending a request, or from when it was due, to its answer."""
    p99_ms: float
    transport_events_per_s: float
    """The same requests in the same way, to a server that only counts them."""
    transport_p50_ms: float
    settled_after_s: float
    """From the last answer until every report of it had been asked once."""
    server_cpu_us_an_event: float
    """CPU seconds per million events: of sending and, for server and node, of what follows until all is settled."""
    sender_cpu_us_an_event: float
    node_cpu_us_an_event: float | None
    sent_bytes_an_event: float
    stored_bytes_an_event: float
    peak_memory_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigures:
    """One report of some days, asked one question after the other."""

    report: str
    days: int
    asked: int
    first_ms: float
    """By a server that has just been started."""
    p50_ms: float
    """Of the others."""
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsFigures:
    """All reports, over days that have so many events each."""

    day_events: int
    reports: Sequence[ReportFigures]
    peak_memory_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFigures:
    """A function, and its part of all samples in which the server did something."""

    function: str
    file: str
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What was measured on one store; empty or None what was not asked for."""

    store: str
    commits: Sequence[CommitFigures]
    ingest: Sequence[IngestFigures]
    reports: ReportsFigures | None
    profile: Sequence[ProfileFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that one run measured."""

    machine: Machine
    is_quick: bool
    """The figures say nothing but that it works."""
    seed: int
    steps: Sequence[StepFigures]
    stores: Sequence[StoreFigures]
