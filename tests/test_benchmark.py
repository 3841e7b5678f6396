"""`scripts/bench` works: a quick run of all its parts, whose figures say nothing."""

import datetime
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from live.eventmanager.v1.analytics_service_pb2 import DateRange

from benchmark.document import END, start_of, write_into
from benchmark.errors import BenchmarkError, WrongFiguresError
from benchmark.expected import Expected
from benchmark.figures import Figures, StepFigures
from benchmark.filling import fill_days
from benchmark.job import Job
from benchmark.machine import look_at_machine
from benchmark.processes import run_server
from benchmark.senders import percentile, start_senders
from benchmark.sums import require_sums
from eventmanager.client import connect
from eventmanager.server import Server
from eventmanager.store.address import open_store
from tests.conftest import NOON_S, StartServer
from tests.tools import PROJECT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the script in the environment of the tests."""
    environment = os.environ | {"EVENTMANAGER_VENV": sys.prefix, "COLUMNS": "200"}
    command: list[str | Path] = [PROJECT / "scripts" / "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


def figures_in(value: Any) -> list[float]:
    """Return all numbers of a JSON value."""
    if isinstance(value, dict):
        return figures_in(list(value.values()))
    if isinstance(value, list):
        return [figure for part in value for figure in figures_in(part)]
    return [value] if isinstance(value, int | float) else []


def test_a_quick_run_measures_all_there_is() -> None:
    """Steps, commits, every way of sending, each report over one day and over more, a soak, growth and where the time
    goes: in tables and as JSON.
    """
    done = bench("--quick", "--json", "-")

    assert 0 == done.returncode, done.stderr
    figures = json.loads(done.stdout)
    (store,) = figures["stores"]
    reports = store["reports"]["reports"]

    assert {"parse", "validation", "block", "fold"} == {step["step"] for step in figures["steps"]}
    assert [1_000] == [commit["commit_events"] for commit in store["commits"]]
    assert [("stream", 100, 4, False), ("unary", 1, 4, False), ("stream", 100, 4, True)] == [
        (case["method"], case["events_a_request"], case["connections"], case["is_paced"]) for case in store["ingest"]
    ]
    assert [(1, False)] * 10 + [(2, False)] * 10 + [(1, True)] * 10 + [(2, True)] * 10 == [
        (report["days"], report["are_audited"]) for report in reports
    ]
    assert all(report["first_rows"] >= report["later_rows"] > 0 < report["first_bytes"] for report in reports)
    assert store["soak"]["events"] > 0 < len(store["soak"]["memory_mib"])
    assert [4_000, 8_000] == [size["day_events"] for size in store["growth"]]
    assert all(math.isfinite(figure) for figure in figures_in(figures))
    assert all(case["events_per_s"] > 0 and case["stored_bytes_an_event"] > 0 for case in store["ingest"])
    assert bool(store["profile"]) != ("Left out: profile." in done.stderr)
    assert "A quick run: the figures say nothing" in done.stderr
    assert "100 a request, 4 streams, half rate" in done.stderr


def job(seed: int) -> Job:
    """Two streams of some events in the hour before noon."""
    return Job(
        app="bench",
        method="stream",
        events=500,
        events_a_request=100,
        connections=2,
        unanswered=2,
        seed=seed,
        start_s=int(NOON_S) - 3_600,
        seconds=3_600,
    )


async def test_what_was_sent_adds_up(server: Server) -> None:
    """Two processes send events of their own, and the reports say what was sent, but no more than that."""
    day = DateRange(start_date="2026-06-17", end_date="2026-06-17")
    async with start_senders([job(1), job(2)]) as senders, connect(server.address) as channel:
        sending = await senders.send(server.address)
        await require_sums(channel, "bench", day, senders.expected)

        with pytest.raises(WrongFiguresError) as failed:
            await require_sums(channel, "bench", day, senders.expected + Expected(clicks=1))

    clicks = senders.expected.clicks
    assert (1_000, 10) == (senders.expected.events, len(sending.answered_ms))
    assert str(failed.value) == (
        f"The reports do not add up. clicks in traffic: {clicks + 1} sent, {clicks} reported; "
        f"clicks: {clicks + 1} sent, {clicks} reported."
    )


async def test_every_round_is_of_other_events(server: Server) -> None:
    """The same requests in several rounds are other events of other visitors: all are stored and add up."""
    day = DateRange(start_date="2026-06-17", end_date="2026-06-17")
    async with start_senders([job(1), job(2)]) as senders, connect(server.address) as channel:
        first = await senders.send(server.address)
        later = await senders.send(server.address, first_round=1, rounds=3)
        await require_sums(channel, "bench", day, senders.expected * 4)

    assert (10, 30) == (len(first.answered_ms), len(later.answered_ms))


async def test_filled_days_add_up(start_server: StartServer, database: str) -> None:
    """What is committed to a store without a server is what reports then say of all days and of the last."""
    dates = [datetime.date(2026, 6, day) for day in (14, 15, 16)]
    store = await open_store(database)
    filled = await fill_days(store, dates, 2_000, 7, lambda _: None)
    await store.close()
    server = await start_server(database)
    async with connect(server.address) as channel:
        await require_sums(channel, "bench", DateRange(start_date="2026-06-14", end_date="2026-06-16"), filled.all_days)
        await require_sums(channel, "bench", DateRange(start_date="2026-06-16", end_date="2026-06-16"), filled.last_day)

    assert (6_000, 2_000, 100) == (filled.all_days.events, filled.last_day.events, filled.last_day.visitors)
    assert 100 < filled.all_days.visitors < 300


async def test_events_that_are_not_stored_are_no_result(server: Server) -> None:
    """The same events again are duplicates, which is not what was to be measured."""
    async with start_senders([job(1)]) as senders:
        await senders.send(server.address)

        with pytest.raises(WrongFiguresError, match=r"^500 events were sent, and 0 answered as stored\.$"):
            await senders.send(server.address)


async def test_a_refusal_is_told(start_server: StartServer) -> None:
    """A server that takes no unknown apps ends the run with its own word."""
    server = await start_server(allow_new_apps=False)
    # By calls: how a stream ended is lost in gRPC where something is being written to it at that moment.
    async with start_senders([replace(job(1), method="unary")]) as senders:
        with pytest.raises(BenchmarkError, match="There is no app 'bench'"):
            await senders.send(server.address)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--only", "limits,speed"),
            "'limits,speed' was given. Name one or more of limits, ingest, reports, profile, soak, growth.",
        ),
        (("--workers", "1,none"), "'1,none' was given. Name one or more numbers above zero."),
        (("--growth-events", "0"), "'0' was given. Name one or more numbers above zero."),
        (("--store", ""), "'' was given. Name one or more of sqlite, cassandra."),
    ],
)
def test_what_cannot_be_measured_is_told(arguments: tuple[str, str], sentence: str) -> None:
    """A part or a store that is not there is refused by its name, with those that are."""
    done = bench(*arguments)

    assert (2, "") == (done.returncode, done.stdout)
    assert sentence in done.stderr


def test_the_nearest_rank_is_taken() -> None:
    """So many in a hundred do not exceed a percentile, and it is one of the values."""
    ascending = [float(value) for value in range(1, 101)]

    assert (50.0, 99.0, 100.0) == tuple(percentile(ascending, percent) for percent in (50, 99, 100))
    assert 7.0 == percentile([7.0], 50)


@pytest.mark.parametrize("place", ["figures", "profile", "soak", "growth"])
def test_the_document_has_a_place_for_figures(place: str) -> None:
    """docs/performance.md has both marks of each place, in their order."""
    _, start, rest = (PROJECT / "docs" / "performance.md").read_text().partition(start_of(place))
    between, end, after = rest.partition(END)

    assert (start_of(place), END) == (start, end)
    assert start_of(place) not in after
    assert "<!--" not in between


@pytest.fixture
def figures() -> Figures:
    """What one run on nothing much measured."""
    return Figures(
        machine=replace(look_at_machine(), load=0.0),
        is_quick=False,
        seed=7,
        steps=[StepFigures(step="fold", events_a_request=1_000, us_an_event=2.5)],
        stores=[],
    )


def test_figures_replace_those_before_them(tmp_path: Path, figures: Figures) -> None:
    """What is between the marks goes; what is around them stays, and so do figures of other runs."""
    document = tmp_path / "figures.md"
    document.write_text(f"before\n{start_of('figures')}\nold\n{END}\nbetween\n{start_of('soak')}\nold\n{END}\nafter\n")

    write_into(document, figures)
    before, _, rest = document.read_text().partition(start_of("figures"))
    written, _, after = rest.partition(END)

    assert ("before\n", f"\nbetween\n{start_of('soak')}\nold\n{END}\nafter\n") == (before, after)
    assert written.endswith(
        "Seed 7.\n\n"
        "### Steps of ingest alone: µs an event (events/s on one core)\n\n"
        "| step | 1,000 a request |\n|---|--:|\n| fold | 2.50 (400,000) |\n| all of them | 2.50 (400,000) |\n\n"
    )


def test_figures_need_a_place(tmp_path: Path, figures: Figures) -> None:
    """A document without the marks is left as it is, and named."""
    document = tmp_path / "words.md"
    document.write_text("words\n")

    with pytest.raises(BenchmarkError, match=r"words\.md has no place for figures"):
        write_into(document, figures)

    assert "words\n" == document.read_text()


async def test_a_server_that_does_not_start_is_no_result(tmp_path: Path) -> None:
    """What it said is told instead of figures."""
    with pytest.raises(
        BenchmarkError, match=r"^The server did not start\. Error: Cannot store in .*: there is no folder"
    ) as failed:
        async with run_server(f"sqlite:{tmp_path}/missing/events.db", tmp_path / "server.log"):
            pass

    assert "Traceback" not in str(failed.value)
