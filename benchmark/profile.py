"""Where the server's time goes while it takes in events, as py-spy samples it."""

import asyncio
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from benchmark.errors import BenchmarkError
from benchmark.figures import ProfileFigures
from benchmark.ingest import APP, jobs_of, warm_up
from benchmark.plan import Plan
from benchmark.processes import run_server
from benchmark.senders import start_senders
from benchmark.stores import MeasuredStores
from benchmark.traffic import Hours

SHOWN_PART: Final = 0.01
"""Functions that take less than this are left out."""

_HOUR_S: Final = 3_600
_SAMPLES_PER_S: Final = 200
_TRACE_SCOPE: Final = Path("/proc/sys/kernel/yama/ptrace_scope")
_STACK: Final = re.compile(r"^(?P<stack>.+) (?P<samples>[0-9]+)$")
_PLACE: Final = re.compile(r"^(?P<function>.+) \((?P<file>[^()]*)\)$")


async def measure_profile(
    stores: MeasuredStores, plan: Plan, log_file: Path, progress: Callable[[str], None]
) -> list[ProfileFigures]:
    """Send in each of a plan's ways, and return for each the functions that most samples fell into."""
    figures: list[ProfileFigures] = []
    for number, case in enumerate(plan.profiled):
        progress(f"profile: {case.name}")
        hours = Hours(int(time.time()) - _HOUR_S, _HOUR_S)
        raw_file = log_file.with_name(f"samples-{number}.txt")
        jobs = jobs_of(case, plan.sender_processes, plan.seed + 900_000 + 1_000 * number, APP, hours)
        async with start_senders(jobs) as senders, run_server(stores.new_address(), log_file) as server:
            await warm_up(server.address, plan.seed + number, hours)
            async with _sampled(server.pid, raw_file):
                await senders.send(server.address)
        figures += _shares(case.name, raw_file.read_text().splitlines())
    return figures


def may_sample() -> bool:
    """Tell whether this user may look into processes that it did not start itself, as far as that can be told."""
    return os.geteuid() == 0 or (_TRACE_SCOPE.exists() and _TRACE_SCOPE.read_text().strip() == "0")


@asynccontextmanager
async def _sampled(pid: int, raw_file: Path) -> AsyncIterator[None]:
    """Sample a process, and write the stacks to a file in the end."""
    py_spy = Path(sys.executable).with_name("py-spy")
    process = await asyncio.create_subprocess_exec(
        *(py_spy, "record", "--pid", str(pid), "--format", "raw", "--output", raw_file, "--function"),
        *("--rate", str(_SAMPLES_PER_S), "--duration", "unlimited", "--nonblocking"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        said, _ = await process.communicate()
    if not raw_file.exists():  # noqa: ASYNC240 - nothing else waits.
        raise BenchmarkError(f"py-spy could not look into the server; it may need to be run as root. It said: {said!r}")


def _shares(way: str, lines: Sequence[str]) -> list[ProfileFigures]:
    """Give each sample to the function that ran, and where that is a library's, to who called it."""
    samples: Counter[tuple[str, str]] = Counter()
    for line in lines:
        matched = _STACK.match(line)
        if matched:
            function = _running(matched["stack"].split(";"))
            samples[function] += int(matched["samples"])
    total = sum(samples.values())
    return [
        ProfileFigures(way=way, function=function, file=file, part=count / total)
        for (function, file), count in samples.most_common()
        if count >= SHOWN_PART * total
    ]


def _running(stack: Sequence[str]) -> tuple[str, str]:
    places = [place for frame in stack if (place := _PLACE.match(frame))]
    ours = [place for place in places if "eventmanager/" in place["file"]]
    innermost = (ours or places)[-1] if places else None
    return (innermost["function"], innermost["file"]) if innermost else (stack[-1], "")
