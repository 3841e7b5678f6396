"""What an event costs as its day's tables grow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmark.figures import GrowthFigures
from benchmark.ingest import APP, jobs_of, warm_up
from benchmark.plan import Plan
from benchmark.processes import run_server
from benchmark.senders import start_senders
from benchmark.soak import yesterday
from benchmark.stores import MeasuredStores
from benchmark.sums import require_sums
from eventmanager.client import connect


async def measure_growth(
    stores: MeasuredStores, plan: Plan, log_file: Path, progress: Callable[[str], None]
) -> list[GrowthFigures]:
    """Fill one day to each of the sizes, and measure the last events of each. Raises BenchmarkError where an event is
    lost on the way.
    """
    growth = plan.growth
    day, hours = yesterday()
    address = stores.new_address()
    jobs = jobs_of(growth.case, plan.sender_processes, plan.seed + 3_000_000, APP, hours)
    figures: list[GrowthFigures] = []
    async with start_senders(jobs) as senders, run_server(address, log_file) as server:
        await warm_up(server.address, plan.seed, hours)
        events = senders.expected.events
        done = 0
        for size in growth.sizes:
            start = max(done, round(size / events) - growth.window_rounds)
            progress(f"growth: up to {size:,} events")
            if start > done:
                await senders.send(server.address, first_round=done, rounds=start - done)
            done = start + growth.window_rounds
            cpu_s, node_cpu_s = server.cpu_s, stores.node_cpu_s
            sending = await senders.send(server.address, first_round=start, rounds=growth.window_rounds)
            window = growth.window_rounds * events
            stored_bytes = stores.stored_bytes_now(address)
            measured = GrowthFigures(
                day_events=done * events,
                window_events=window,
                events_per_s=window / sending.seconds,
                p99_ms=sending.percentile_ms(99),
                server_cpu_us_an_event=(server.cpu_s - cpu_s) / window * 1e6,
                node_cpu_us_an_event=(
                    None if node_cpu_s is None else ((stores.node_cpu_s or 0) - node_cpu_s) / window * 1e6
                ),
                stored_bytes_an_event=None if stored_bytes is None else stored_bytes / (done * events),
                memory_mib=server.memory_mib,
            )
            figures.append(measured)
            # Told at once: the table comes in the end, and only of a run that did not fail.
            progress(f"growth: {_told(measured)}")
        async with connect(server.address) as channel:
            await require_sums(channel, APP, day, senders.expected * done)
    await stores.settle()
    last = figures[-1]
    return [*figures[:-1], replace(last, stored_bytes_an_event=stores.stored_bytes(address) / last.day_events)]


def _told(measured: GrowthFigures) -> str:
    node = "" if measured.node_cpu_us_an_event is None else f", the node's {measured.node_cpu_us_an_event:.1f} µs"
    return (
        f"{measured.day_events:,} events, the last of them at {measured.events_per_s:,.0f} a second, "
        f"the server's CPU {measured.server_cpu_us_an_event:.1f} µs for each{node}"
    )
