"""Figures laid out in rows and columns, for a terminal as for a document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmark.figures import (
    CommitFigures,
    Figures,
    GrowthFigures,
    IngestFigures,
    ProfileFigures,
    ReportsFigures,
    SoakFigures,
    StepFigures,
)

_KB: Final = 1_000


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column is text, the others are figures."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    place: str = "figures"
    """Where it goes in a document: runs of their own have places of their own."""


def grids_of(figures: Figures) -> Iterator[Grid]:
    """Lay out all that was measured."""
    if figures.steps:
        yield _steps(figures.steps)
    for measured in figures.stores:
        if measured.commits:
            yield _commits(measured.store, measured.commits)
        if measured.ingest:
            yield _rates(measured.store, measured.ingest)
            yield _costs(measured.store, measured.ingest)
        if measured.reports:
            yield from _reports(measured.store, measured.reports)
        if measured.profile:
            yield _profile(measured.store, measured.profile)
        if measured.soak:
            yield _soak(measured.store, measured.soak)
        if measured.growth:
            yield _growth(measured.store, measured.growth)


def sentences_of(figures: Figures) -> Iterator[str]:
    """Say what was measured on, and how much the figures may be trusted."""
    machine = figures.machine
    yield (
        f"{machine.time}: eventmanager {machine.version} on {machine.cores} cores of {machine.processor}, "
        f"{machine.memory_gib:g} GiB, {machine.system}, Python {machine.python}, grpcio {machine.grpc}, "
        f"protobuf {machine.protobuf}, SQLite {machine.sqlite}. Seed {figures.seed}."
    )
    if machine.is_busy:
        yield f"Others were at work (load {machine.load:g}): the figures are lower than the machine allows."
    if figures.is_quick:
        yield "A quick run: the figures say nothing but that everything works."


def _steps(steps: Sequence[StepFigures]) -> Grid:
    sizes = sorted({step.events_a_request for step in steps}, reverse=True)
    names = list(dict.fromkeys(step.step for step in steps))
    cost = {(step.step, step.events_a_request): step.us_an_event for step in steps}
    rows = [[name, *(_step(cost[name, size]) for size in sizes)] for name in names]
    rows.append(["all of them", *(_step(sum(cost[name, size] for name in names)) for size in sizes)])
    return Grid(
        "Steps of ingest alone: µs an event (events/s on one core)",
        ["step", *(f"{size:,} a request" for size in sizes)],
        rows,
    )


def _step(us_an_event: float) -> str:
    return f"{us_an_event:.2f} ({1e6 / us_an_event:,.0f})" if us_an_event else "0"


def _commits(store: str, commits: Sequence[CommitFigures]) -> Grid:
    return Grid(
        f"{store}: the store alone, until its figures can be read",
        ["events a commit", "events/s", "CPU µs an event", "node's CPU µs an event"],
        [
            [
                f"{commit.commit_events:,}",
                f"{commit.events_per_s:,.0f}",
                f"{commit.cpu_us_an_event:.1f}",
                _some(commit.node_cpu_us_an_event),
            ]
            for commit in commits
        ],
    )


def _rates(store: str, ingest: Sequence[IngestFigures]) -> Grid:
    return Grid(
        f"{store}: ingest",
        [
            "events",
            "durable events/s",
            "p50 ms",
            "p99 ms",
            "transport alone",
            "its p50 ms",
            "part of it",
            "settled after s",
        ],
        [
            [
                _name(case),
                f"{case.events_per_s:,.0f}",
                f"{case.p50_ms:,.1f}",
                f"{case.p99_ms:,.1f}",
                f"{case.transport_events_per_s:,.0f}",
                f"{case.transport_p50_ms:,.1f}",
                "–" if case.is_paced else f"{case.events_per_s / case.transport_events_per_s:.0%}",
                f"{case.settled_after_s:.2f}",
            ]
            for case in ingest
        ],
    )


def _costs(store: str, ingest: Sequence[IngestFigures]) -> Grid:
    return Grid(
        f"{store}: what ingest costs, by event",
        ["events", "server CPU µs", "sender CPU µs", "node CPU µs", "bytes sent", "bytes stored", "peak MiB"],
        [
            [
                _name(case),
                f"{case.server_cpu_us_an_event:.1f}",
                f"{case.sender_cpu_us_an_event:.1f}",
                _some(case.node_cpu_us_an_event),
                f"{case.sent_bytes_an_event:.0f}",
                f"{case.stored_bytes_an_event:.0f}",
                f"{case.peak_memory_mib:.0f}",
            ]
            for case in ingest
        ],
    )


def _reports(store: str, measured: ReportsFigures) -> Iterator[Grid]:
    kinds = sorted({(report.days, report.are_audited) for report in measured.reports})
    for days, are_audited in kinds:
        kind = f"audited, at {measured.audit_events_per_s:,.0f} events/s" if are_audited else "not audited"
        yield Grid(
            f"{store}: reports over {days} × {measured.day_events:,} events, {kind} "
            f"(server's peak: {measured.peak_memory_mib:.0f} MiB)",
            ["report", "first ms", "p50 ms", "p99 ms", "asked", "rows, first", "kB, first", "rows, later", "kB, later"],
            [
                [
                    report.report,
                    f"{report.first_ms:,.1f}",
                    f"{report.p50_ms:,.1f}",
                    f"{report.p99_ms:,.1f}",
                    str(report.asked),
                    f"{report.first_rows:,}",
                    f"{report.first_bytes / _KB:,.1f}",
                    f"{report.later_rows:,}",
                    f"{report.later_bytes / _KB:,.1f}",
                ]
                for report in measured.reports
                if (report.days, report.are_audited) == (days, are_audited)
            ],
        )


def _profile(store: str, profile: Sequence[ProfileFigures]) -> Grid:
    ways = list(dict.fromkeys(place.way for place in profile))
    parts = {(place.function, place.file, place.way): place.part for place in profile}
    places = sorted(
        {(function, file) for function, file, _ in parts},
        key=lambda place: -max(parts.get((*place, way), 0.0) for way in ways),
    )
    return Grid(
        f"{store}: where the server's time goes, by innermost function of its own",
        ["function", *ways],
        [
            [
                f"{function}, {file}",
                *(f"{parts[function, file, way]:.1%}" if (function, file, way) in parts else "–" for way in ways),
            ]
            for function, file in places
        ],
        "profile",
    )


def _soak(store: str, soak: SoakFigures) -> Grid:
    warm_mib = soak.memory_mib[soak.warm_up_s]
    return Grid(
        f"{store}: {soak.seconds:,.0f} s at a part of the top rate",
        ["what", "figure"],
        [
            ["top rate, events/s", f"{soak.top_events_per_s:,.0f}"],
            ["rate wanted, events/s", f"{soak.wanted_events_per_s:,.0f}"],
            ["rate, events/s", f"{soak.events_per_s:,.0f}"],
            ["keeps pace", _word(is_so=soak.keeps_pace)],
            ["p50 ms", f"{soak.p50_ms:,.1f}"],
            ["p99 ms", f"{soak.p99_ms:,.1f}"],
            ["memory at the start, MiB", f"{soak.memory_mib[0]:.0f}"],
            [f"memory after {soak.warm_up_s} s, MiB", f"{warm_mib:.0f}"],
            ["most memory, MiB", f"{max(soak.memory_mib):.0f}"],
            ["memory in the end, MiB", f"{soak.memory_mib[-1]:.0f}"],
            [f"growth after {soak.warm_up_s} s, MiB a minute", f"{soak.growth_mib_a_minute:+.2f}"],
            ["memory is flat", _word(is_so=soak.is_flat)],
        ],
        "soak",
    )


def _growth(store: str, growth: Sequence[GrowthFigures]) -> Grid:
    return Grid(
        f"{store}: what an event costs as its day grows",
        [
            "events of the day",
            "of which measured",
            "events/s",
            "p99 ms",
            "server CPU µs",
            "node CPU µs",
            "bytes stored",
            "MiB",
        ],
        [
            [
                f"{size.day_events:,}",
                f"{size.window_events:,}",
                f"{size.events_per_s:,.0f}",
                f"{size.p99_ms:,.1f}",
                f"{size.server_cpu_us_an_event:.1f}",
                _some(size.node_cpu_us_an_event),
                _some(size.stored_bytes_an_event),
                f"{size.memory_mib:.0f}",
            ]
            for size in growth
        ],
        "growth",
    )


def _word(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _name(case: IngestFigures) -> str:
    many = f"{case.connections} streams" if case.connections > 1 else "1 stream"
    way = many if case.method == "stream" else f"unary, {case.unanswered} in flight"
    workers = f", {case.workers} workers" if case.workers > 1 else ""
    return f"{case.events_a_request:,} a request, {way}{workers}{', half rate' if case.is_paced else ''}"


def _some(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
