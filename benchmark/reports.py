"""Every report over one day and over many, of a server that has just been started on a store that was filled."""

import datetime
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import DateRange

from benchmark.expected import Expected
from benchmark.figures import ReportFigures, ReportsFigures
from benchmark.ingest import APP, jobs_of
from benchmark.plan import IngestCase, Plan
from benchmark.processes import run_server
from benchmark.questions import Question, questions
from benchmark.senders import percentile, start_senders
from benchmark.stores import MeasuredStores
from benchmark.sums import require_sums
from benchmark.traffic import Hours
from eventmanager.client import connect

_DAY: Final = datetime.timedelta(days=1)
_DAY_S: Final = 86_400
_LEAST_ASKED: Final = 3
_EVENTS_A_REQUEST: Final = 1_000


async def measure_reports(
    stores: MeasuredStores, plan: Plan, log_file: Path, progress: Callable[[str], None]
) -> ReportsFigures:
    """Fill the days before today, start the server anew, and ask. Raises BenchmarkError where sums are wrong."""
    yesterday = datetime.datetime.now(datetime.UTC).date() - _DAY
    first = yesterday - (plan.days - 1) * _DAY
    address = stores.new_address()
    expected, visitor = Expected(), ""
    async with run_server(address, log_file) as server:
        for number in range(plan.days):
            progress(f"reports: filling day {number + 1} of {plan.days}")
            sent, visitor = await _fill(server.address, plan, number, first + number * _DAY)
            expected += sent
        async with connect(server.address) as channel:
            await require_sums(channel, APP, _days(first, yesterday), expected)
    figures: list[ReportFigures] = []
    peak_memory_mib = 0.0
    for start in (yesterday, first):
        days = (yesterday - start).days + 1
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(run_server(address, log_file))
            channel = await stack.enter_async_context(connect(server.address))
            for question in questions(channel, APP, _days(start, yesterday), visitor):
                progress(f"reports: {question.report}, {days} days")
                figures.append(await _ask(question, days, plan))
            peak_memory_mib = max(peak_memory_mib, server.peak_memory_mib)
    return ReportsFigures(day_events=plan.day_events, reports=figures, peak_memory_mib=peak_memory_mib)


async def _fill(target: str, plan: Plan, number: int, date: datetime.date) -> tuple[Expected, str]:
    """Send a day's events, and return what reports must say of them, and a visitor."""
    case = IngestCase(
        method="stream",
        events_a_request=_EVENTS_A_REQUEST,
        connections=plan.sender_processes,
        events=plan.day_events,
        unanswered=16,
    )
    start_s = int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
    seed = plan.seed + 1_000_000 + 1_000 * number
    async with start_senders(jobs_of(case, plan.sender_processes, seed, APP, Hours(start_s, _DAY_S))) as senders:
        await senders.send(target)
        return senders.expected, senders.visitor


async def _ask(question: Question, days: int, plan: Plan) -> ReportFigures:
    times_ms: list[float] = []
    end_s = time.monotonic() + plan.asking_s
    while len(times_ms) < plan.most_asked and (time.monotonic() < end_s or len(times_ms) <= _LEAST_ASKED):
        start_s = time.monotonic()
        await question.ask()
        times_ms.append((time.monotonic() - start_s) * 1_000)
    later: Sequence[float] = sorted(times_ms[1:])
    return ReportFigures(
        report=question.report,
        days=days,
        asked=len(times_ms),
        first_ms=times_ms[0],
        p50_ms=percentile(later, 50),
        p99_ms=percentile(later, 99),
    )


def _days(first: datetime.date, last: datetime.date) -> DateRange:
    return DateRange(start_date=first.isoformat(), end_date=last.isoformat())
