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

    workers: int
    """Processes of the server."""
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
    are_audited: bool
    """Whether the days were counted again before."""
    asked: int
    first_ms: float
    """The first question to a server that has just been started."""
    p50_ms: float
    """Of later ones."""
    p99_ms: float
    first_rows: int
    """Rows that the first question takes from the store,"""
    first_bytes: int
    """and bytes of values in them; what the store looks at to count is not among them."""
    later_rows: int
    """The same of later questions."""
    later_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsFigures:
    """All reports, over days that have so many events each."""

    day_events: int
    audit_events_per_s: float
    """While days are counted again."""
    reports: Sequence[ReportFigures]
    peak_memory_mib: float
    """Of servers that answered all of these questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFigures:
    """A function, and its part of all samples in which the server did something, for one way of sending."""

    way: str
    function: str
    file: str
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakFigures:
    """A server at a part of its top rate for some minutes, and its memory."""

    top_events_per_s: float
    wanted_events_per_s: float
    events_per_s: float
    """Answered as durable."""
    seconds: float
    events: int
    p50_ms: float
    p99_ms: float
    memory_mib: Sequence[float]
    """Once a second."""
    warm_up_s: int
    """Seconds of that after which the memory is to be flat."""
    growth_mib_a_minute: float
    """From then on: the slope of the straight line that fits best."""
    is_flat: bool
    keeps_pace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthFigures:
    """What an event costs when its day has so many."""

    day_events: int
    window_events: int
    """The last so many are measured."""
    events_per_s: float
    p99_ms: float
    server_cpu_us_an_event: float
    node_cpu_us_an_event: float | None
    stored_bytes_an_event: float | None
    """Of all the day's events; None where the store cannot tell while it runs."""
    memory_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What was measured on one store; empty or None what was not asked for."""

    store: str
    commits: Sequence[CommitFigures]
    ingest: Sequence[IngestFigures]
    reports: ReportsFigures | None
    profile: Sequence[ProfileFigures]
    soak: SoakFigures | None
    growth: Sequence[GrowthFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that one run measured."""

    machine: Machine
    is_quick: bool
    """The figures say nothing but that it works."""
    seed: int
    steps: Sequence[StepFigures]
    stores: Sequence[StoreFigures]
