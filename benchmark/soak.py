"""The soak: a server that takes a part of its top rate for minutes, and its memory all the while."""

import asyncio
import datetime
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import linear_regression
from typing import Final

from live.eventmanager.v1.analytics_service_pb2 import DateRange

from benchmark.figures import SoakFigures
from benchmark.ingest import APP, jobs_of, warm_up
from benchmark.plan import Plan
from benchmark.processes import Watched, run_server
from benchmark.senders import start_senders
from benchmark.stores import MeasuredStores
from benchmark.sums import require_sums
from benchmark.traffic import Hours
from eventmanager.client import connect

PART: Final = 0.8
"""Of the top rate."""
_WARM_UP: Final = 0.3
"""That part of the time caches and memory of ids fill; from then on memory is to be flat."""
_FLAT: Final = 0.05
"""Memory may grow by that part in the rest of the time, as the straight line has it that fits best."""
_KEPT_PACE: Final = 0.98
_DAY_S: Final = 86_400


async def measure_soak(
    stores: MeasuredStores, plan: Plan, log_file: Path, progress: Callable[[str], None]
) -> SoakFigures:
    """Measure the top rate, then send at a part of it. Raises BenchmarkError where an event is lost on the way."""
    soak = plan.soak
    day, hours = yesterday()
    jobs = jobs_of(soak.case, plan.sender_processes, plan.seed + 2_000_000, APP, hours)
    async with start_senders(jobs) as senders, run_server(stores.new_address(), log_file) as server:
        await warm_up(server.address, plan.seed, hours)
        events = senders.expected.events
        progress("soak: top rate")
        top = await senders.send(server.address, rounds=soak.top_rounds)
        top_rate = soak.top_rounds * events / top.seconds
        rounds = max(1, round(soak.soak_s * PART * top_rate / events))
        progress(f"soak: {rounds * events:,} events at {PART * top_rate:,.0f} a second")
        async with _memory_each_second(server) as memory_mib:
            sending = await senders.send(server.address, PART * top_rate, first_round=soak.top_rounds, rounds=rounds)
        async with connect(server.address) as channel:
            await require_sums(channel, APP, day, senders.expected * (soak.top_rounds + rounds))
    rate = rounds * events / sending.seconds
    warm_up_s = round(_WARM_UP * len(memory_mib))
    growth_mib_a_second = _slope(memory_mib[warm_up_s:])
    return SoakFigures(
        top_events_per_s=top_rate,
        wanted_events_per_s=PART * top_rate,
        events_per_s=rate,
        seconds=sending.seconds,
        events=rounds * events,
        p50_ms=sending.percentile_ms(50),
        p99_ms=sending.percentile_ms(99),
        memory_mib=memory_mib,
        warm_up_s=warm_up_s,
        growth_mib_a_minute=60 * growth_mib_a_second,
        is_flat=growth_mib_a_second * (len(memory_mib) - warm_up_s) <= _FLAT * memory_mib[warm_up_s],
        keeps_pace=rate >= _KEPT_PACE * PART * top_rate,
    )


def yesterday() -> tuple[DateRange, Hours]:
    """Return the day before today, to be asked about and to be filled: it stays one day however long that takes."""
    date = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    start_s = int(datetime.datetime.combine(date, datetime.time(), datetime.UTC).timestamp())
    return DateRange(start_date=date.isoformat(), end_date=date.isoformat()), Hours(start_s, _DAY_S)


@asynccontextmanager
async def _memory_each_second(server: Watched) -> AsyncIterator[list[float]]:
    """Note the memory when it begins, once a second, and when it ends."""
    memory_mib = [server.memory_mib]
    start_s = time.monotonic()

    async def note() -> None:
        while True:
            await asyncio.sleep(len(memory_mib) - (time.monotonic() - start_s))
            memory_mib.append(server.memory_mib)

    noting = asyncio.create_task(note())
    try:
        yield memory_mib
    finally:
        noting.cancel()
        memory_mib.append(server.memory_mib)


def _slope(values: Sequence[float]) -> float:
    """Return by how much values grow from each to the next; 0 where there are too few to tell."""
    return linear_regression(range(len(values)), values).slope if len(values) > 1 else 0.0
