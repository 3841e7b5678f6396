"""`eventmanager demo`: into a pipe it prints the reports once, in a terminal it shows them as they grow."""

import asyncio
import os
import pty
import re
import signal
import sys
from pathlib import Path

from live.eventmanager.v1.analytics_service_pb2 import DateRange, QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.client import connect

DEMO = (sys.executable, "-m", "eventmanager", "demo")
TITLES = (
    "Traffic",
    "Conversion",
    "Visitors of each stage",
    "Time spent on each stage",
    "Moves from stage to stage",
    "How hovers over buttons end",
    "Views of each page",
    "Clicks on each element",
    "Browsers of",
    "Operating systems of",
    "Devices of",
)


def environment() -> dict[str, str]:
    """Return the variables of a terminal 100 columns wide."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVENTMANAGER_")}
    return own | {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color"}


async def test_into_a_pipe_it_prints_each_report_once(tmp_path: Path) -> None:
    """In a pipe there is nothing but the final reports, and the exit status is 0."""
    process = await asyncio.create_subprocess_exec(
        *(*DEMO, "--events", "2000", "--seconds", "0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)

    text = out.decode()

    assert (0, b"") == (process.returncode, err)
    assert [1] * len(TITLES) == [len(re.findall(f"^{title}", text, re.MULTILINE)) for title in TITLES]
    assert "\x1b" not in text
    assert "unknown" not in text
    assert [] == files_in(tmp_path)


async def test_in_a_terminal_it_shows_how_far_it_is() -> None:
    """In a terminal there is a live view while events come in, and then the final reports."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(*DEMO, "--events", "5000", "--seconds", "2"), stdin=theirs, stdout=theirs, stderr=theirs, env=environment()
    )
    os.close(theirs)
    reading = asyncio.create_task(asyncio.to_thread(read_to_end, ours))
    assert 0 == await asyncio.wait_for(process.wait(), 60)
    text = (await reading).decode()
    os.close(ours)

    shown = [int(stored.replace(",", "")) for stored in re.findall(r"([\d,]+) of 5,000 events stored", text)]

    assert len(set(shown)) > 2
    assert shown == sorted(shown)
    assert all(title in text for title in (*TITLES, "Events by hour", "Buttons hovered over"))


def files_in(folder: Path) -> list[Path]:
    """Return what is in a folder."""
    return list(folder.iterdir())


def read_to_end(descriptor: int) -> bytes:
    """Read what a terminal shows until the program has closed it."""
    read = b""
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # What Linux says at the end of a terminal.
            return read
        if not part:
            return read
        read += part


async def test_it_can_go_on_serving(tmp_path: Path) -> None:
    """With --serve the server stays, with what the demo sent, until Ctrl-C."""
    store = f"sqlite:{tmp_path / 'demo.db'}"
    process = await asyncio.create_subprocess_exec(
        *(*DEMO, "--events", "1000", "--seconds", "0", "--serve", "--store", store),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout
    said = ""
    async with asyncio.timeout(60):
        while not (serving := re.search(r"Serving on (\S+) until Ctrl-C", said)):
            said += (await process.stdout.readline()).decode()
    async with connect(serving[1]) as channel:
        request = QueryTrafficRequest(app="demo", date_range=DateRange(start_date="-1d"))
        (row,) = (await AnalyticsServiceStub(channel).QueryTraffic(request)).rows
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert 1_000 == row.clicks + row.url_changes + row.btn_times + row.funnel_changes
    assert (0, b"") == (process.returncode, err)
    assert f"{serving[1]} live.eventmanager.v1.AnalyticsService/QueryConversion" in out.decode()
