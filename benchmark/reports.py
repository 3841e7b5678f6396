"""Every report over one day and over many, before and after the days were counted again."""

import datetime
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from live.eventmanager.v1.admin_service_pb2 import AuditDaysRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import DateRange
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from benchmark.errors import BenchmarkError
from benchmark.figures import ReportFigures, ReportsFigures
from benchmark.filling import Filled, fill_days
from benchmark.plan import ReportsPlan
from benchmark.processes import Watched, run_server
from benchmark.questions import Question, questions
from benchmark.reading import measure_reading
from benchmark.senders import percentile
from benchmark.steps import APP
from benchmark.stores import MeasuredStores
from benchmark.sums import require_sums
from eventmanager.client import connect
from eventmanager.store.address import open_store

_DAY: Final = datetime.timedelta(days=1)
_LEAST_ASKED: Final = 2


async def measure_reports(
    stores: MeasuredStores, plan: ReportsPlan, seed: int, log_file: Path, progress: Callable[[str], None]
) -> ReportsFigures:
    """Fill the days before today and ask, have them counted again and ask again. Raises BenchmarkError where sums are
    wrong.
    """
    yesterday = datetime.datetime.now(datetime.UTC).date() - _DAY
    dates = [yesterday - number * _DAY for number in reversed(range(plan.days))]
    server = _Server(stores.new_address(), log_file)
    store = await open_store(server.address)
    try:
        filled = await fill_days(store, dates, plan.day_events, seed, lambda what: progress(f"reports: {what}"))
    finally:
        await store.close()
    await server.require(dates, filled)
    figures: list[ReportFigures] = []
    audit_s = peak_memory_mib = 0.0
    for are_audited in (False, True):
        if are_audited:
            progress("reports: counting the days again")
            audit_s = await server.audit(dates)
            await server.require(dates, filled)
        for some in (dates[-1:], dates):
            measured, peak_mib = await _Asking(
                server=server,
                questions=questions(APP, _range(some), filled.visitor),
                days=len(some),
                are_audited=are_audited,
                plan=plan,
                progress=progress,
            ).measure()
            figures += measured
            peak_memory_mib = max(peak_memory_mib, peak_mib)
    return ReportsFigures(
        day_events=plan.day_events,
        audit_events_per_s=filled.all_days.events / audit_s,
        reports=figures,
        peak_memory_mib=peak_memory_mib,
    )


class _Server:
    """Starts servers on one store."""

    def __init__(self, address: str, log_file: Path) -> None:
        self.address = address
        self.log_file = log_file

    @asynccontextmanager
    async def run(self) -> AsyncIterator[tuple[Watched, grpc.aio.Channel]]:
        """Start one, and connect to it."""
        async with run_server(self.address, self.log_file) as server, connect(server.address) as channel:
            await channel.channel_ready()
            yield server, channel

    async def require(self, dates: Sequence[datetime.date], filled: Filled) -> None:
        """Hold the reports to what the days were filled with."""
        async with self.run() as (_, channel):
            await require_sums(channel, APP, _range(dates), filled.all_days)
            await require_sums(channel, APP, _range(dates[-1:]), filled.last_day)

    async def audit(self, dates: Sequence[datetime.date]) -> float:
        """Have days counted again, and return how long it took in seconds."""
        async with self.run() as (_, channel):
            start_s = time.monotonic()
            days = AdminServiceStub(channel).AuditDays(AuditDaysRequest(app=APP, date_range=_range(dates)))
            unaudited = [day.date async for day in days if not day.audited]
            if unaudited:
                raise BenchmarkError(f"These days could not be counted again: {', '.join(unaudited)}.")
            return time.monotonic() - start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Asks questions about some days."""

    server: _Server
    questions: Sequence[Question]
    days: int
    are_audited: bool
    plan: ReportsPlan
    progress: Callable[[str], None]

    async def measure(self) -> tuple[list[ReportFigures], float]:
        """Return the figures of each report, and the peak memory of a server that answered them all."""
        readings = await measure_reading(self.server.address, self.questions, asked=2 if self.are_audited else 1)
        first_ms = {}
        if self.plan.has_fresh_servers:
            for question in self.questions:
                async with self.server.run() as (_, channel):
                    first_ms[question.report] = await self._ask(question, AnalyticsServiceStub(channel))
        figures = []
        async with self.server.run() as (server, channel):
            stub = AnalyticsServiceStub(channel)
            for question in self.questions:
                ms = await self._ask(question, stub)
                times_ms = await self._ask_again(question, stub)
                reading = readings[question.report]
                figures.append(
                    ReportFigures(
                        report=question.report,
                        days=self.days,
                        are_audited=self.are_audited,
                        asked=len(times_ms),
                        first_ms=first_ms.get(question.report, ms),
                        p50_ms=percentile(times_ms, 50),
                        p99_ms=percentile(times_ms, 99),
                        first_rows=reading.first.rows,
                        first_bytes=reading.first.bytes,
                        later_rows=reading.later.rows,
                        later_bytes=reading.later.bytes,
                    )
                )
            return figures, server.peak_memory_mib

    async def _ask_again(self, question: Question, stub: Any) -> Sequence[float]:
        times_ms: list[float] = []
        end_s = time.monotonic() + self.plan.asking_s
        while len(times_ms) < self.plan.most_asked and (time.monotonic() < end_s or len(times_ms) < _LEAST_ASKED):
            times_ms.append(await self._ask(question, stub))
        return sorted(times_ms)

    async def _ask(self, question: Question, stub: Any) -> float:
        """Return how long an answer took in milliseconds."""
        self.progress(f"reports: {question.report}, {self.days} {'audited' if self.are_audited else 'live'} days")
        start_s = time.monotonic()
        response = await question.ask(stub)
        elapsed_ms = (time.monotonic() - start_s) * 1_000
        if hasattr(response, "info") and response.info.audited != self.are_audited:
            raise BenchmarkError(f"{question.report} said audited: {response.info.audited}, which it should not.")
        return elapsed_ms


def _range(dates: Sequence[datetime.date]) -> DateRange:
    return DateRange(start_date=dates[0].isoformat(), end_date=dates[-1].isoformat())
