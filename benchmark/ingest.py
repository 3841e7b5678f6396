"""Ingest over the real server, and over one that only counts."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import DateRange
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from benchmark.figures import IngestFigures
from benchmark.job import Job
from benchmark.plan import IngestCase, Plan
from benchmark.processes import Watched, run_counting_server, run_server
from benchmark.questions import questions
from benchmark.requests import serialize
from benchmark.senders import Senders, start_senders
from benchmark.stores import MeasuredStores
from benchmark.sums import require_sums
from benchmark.traffic import Hours, Traffic
from eventmanager.client import connect

APP: Final = "bench"
_HOUR_S: Final = 3_600
_WARM_UP_EVENTS: Final = 2_000
_WARM_UP_APP: Final = "warm-up"
_NODE_WARM_UPS: Final = 6
_WARM_UP_S: Final = 1.5
"""For the process that the server starts when large requests come."""
_RECENT: Final = DateRange(start_date="-1d", end_date="today")  # The last hour may have begun yesterday.


@dataclass(frozen=True, slots=True)
class _Run:
    """The figures of a run, and where its store lies."""

    figures: IngestFigures
    address: str


async def measure_ingest(
    stores: MeasuredStores, plan: Plan, workers: Sequence[int], log_file: Path, progress: Callable[[str], None]
) -> list[IngestFigures]:
    """Measure every case of a plan, those for several processes with each number of them.

    Raises BenchmarkError where an event is lost on the way. Nothing can be stored in the stores afterwards.
    """
    runs: list[_Run] = []
    async with run_counting_server() as counting:
        if stores.node_cpu_s is not None:
            progress("ingest: the node warms up")
            await _warm_node(stores, plan, log_file)
        runs_of = [
            (processes, case) for processes in workers for case in (plan.workers_cases if processes > 1 else plan.cases)
        ]
        for number, (processes, case) in enumerate(runs_of):
            progress(f"ingest: {case.name}, {processes} processes")
            rate = 0.0
            if case.is_paced:
                rate = _rate_of(case, [run.figures for run in runs]) / 2
                case = replace(case, events=round(rate * plan.paced_s))
            seed = plan.seed + 1_000 * (number + 1)
            hours = Hours(int(time.time()) - _HOUR_S, _HOUR_S)
            address = stores.new_address()
            async with start_senders(jobs_of(case, plan.sender_processes, seed, APP, hours)) as senders:
                transport = await senders.send(counting.address, rate)
                async with run_server(address, log_file, processes) as server:
                    await warm_up(server.address, seed, hours)
                    figures = await _measure(case, stores, server, senders, rate)
            figures = replace(
                figures,
                workers=processes,
                transport_events_per_s=figures.events / transport.seconds,
                transport_p50_ms=transport.percentile_ms(50),
            )
            runs.append(_Run(figures, address))
    await stores.settle()
    return [_with_stored_bytes(run, stores) for run in runs]


async def _warm_node(stores: MeasuredStores, plan: Plan, log_file: Path) -> None:
    """Send what is not measured: a node that has just started takes twice the time until its code is compiled."""
    hours = Hours(int(time.time()) - _HOUR_S, _HOUR_S)
    for number in range(_NODE_WARM_UPS):
        jobs = jobs_of(plan.cases[0], plan.sender_processes, plan.seed + 900 + number, APP, hours)
        async with start_senders(jobs) as senders, run_server(stores.new_address(), log_file, 1) as server:
            await senders.send(server.address, 0.0)


def jobs_of(case: IngestCase, processes: int, seed: int, app: str, hours: Hours) -> list[Job]:
    """Share a case's connections and events among sender processes."""
    count = min(processes, case.connections)
    return [
        Job(
            app=app,
            method=case.method,
            events=case.events // count,
            events_a_request=case.events_a_request,
            connections=case.connections // count,
            unanswered=case.unanswered,
            seed=seed + place,
            start_s=hours.start_s,
            seconds=hours.seconds,
        )
        for place in range(count)
    ]


async def _measure(
    case: IngestCase, stores: MeasuredStores, server: Watched, senders: Senders, rate: float
) -> IngestFigures:
    """Send to the server, and hold its reports to what was sent. What others tell is filled in later."""
    events = senders.expected.events
    cpu_s, node_cpu_s = server.cpu_s, stores.node_cpu_s
    sending = await senders.send(server.address, rate)
    settled_after_s = await _settle(server, senders)
    cpu_s = server.cpu_s - cpu_s
    node_cpu_us = None if node_cpu_s is None else ((stores.node_cpu_s or 0.0) - node_cpu_s) / events * 1e6
    async with connect(server.address) as channel:
        await require_sums(channel, APP, _RECENT, senders.expected)
    return IngestFigures(
        workers=1,
        method=case.method,
        events_a_request=case.events_a_request,
        connections=case.connections,
        unanswered=case.unanswered * case.connections,
        is_paced=case.is_paced,
        events=events,
        events_per_s=events / sending.seconds,
        p50_ms=sending.percentile_ms(50),
        p99_ms=sending.percentile_ms(99),
        transport_events_per_s=0.0,
        transport_p50_ms=0.0,
        settled_after_s=settled_after_s,
        server_cpu_us_an_event=cpu_s / events * 1e6,
        sender_cpu_us_an_event=sending.cpu_s / events * 1e6,
        node_cpu_us_an_event=node_cpu_us,
        sent_bytes_an_event=senders.bytes_an_event,
        stored_bytes_an_event=0.0,
        peak_memory_mib=server.peak_memory_mib,
    )


async def warm_up(target: str, seed: int, hours: Hours) -> None:
    """Send some events of another app, so that caches of what is the same for all are filled."""
    traffic = Traffic(seed + 500, _WARM_UP_EVENTS, hours)
    async with connect(target) as channel:
        ingest = IngestServiceStub(channel)
        for request in serialize("unary", _WARM_UP_APP, traffic, 100):
            await ingest.IngestEvents(IngestEventsRequest.FromString(request))
    await asyncio.sleep(_WARM_UP_S)


async def _settle(server: Watched, senders: Senders) -> float:
    """Ask for every report once, which settles what waits to be added to its table, and return how long that took."""
    start_s = time.monotonic()
    async with connect(server.address) as channel:
        stub = AnalyticsServiceStub(channel)
        await asyncio.gather(*(question.ask(stub) for question in questions(APP, _RECENT, senders.visitor)))
    return time.monotonic() - start_s


def _rate_of(case: IngestCase, measured: Sequence[IngestFigures]) -> float:
    """Return the events per second of the same case as fast as it went."""
    return next(
        figures.events_per_s
        for figures in measured
        if (figures.method, figures.events_a_request, figures.connections)
        == (case.method, case.events_a_request, case.connections)
    )


def _with_stored_bytes(run: _Run, stores: MeasuredStores) -> IngestFigures:
    events = run.figures.events + _WARM_UP_EVENTS
    return replace(run.figures, stored_bytes_an_event=stores.stored_bytes(run.address) / events)
