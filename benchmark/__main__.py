"""The command: `scripts/bench`."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

import orjson
import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from benchmark.commits import measure_commits
from benchmark.document import write_into
from benchmark.errors import BenchmarkError
from benchmark.figures import (
    CommitFigures,
    Figures,
    IngestFigures,
    ProfileFigures,
    ReportsFigures,
    StoreFigures,
)
from benchmark.grids import Grid, grids_of, sentences_of
from benchmark.ingest import measure_ingest
from benchmark.machine import look_at_machine
from benchmark.plan import Plan, normal_plan, quick_plan
from benchmark.profile import measure_profile
from benchmark.reports import measure_reports
from benchmark.steps import measure_steps
from benchmark.stores import StoreName, open_stores

Part: TypeAlias = Literal["limits", "ingest", "reports", "profile"]

USUAL_PARTS: Final = "limits,ingest,reports"
DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "performance.md"
_STANDARD_OUTPUT: Final = "-"
_PIPE_WIDTH: Final = 120


def bench(
    only: Annotated[
        str,
        typer.Option(metavar="PARTS", help=f"What to measure, of {', '.join(get_args(Part))}; several with commas."),
    ] = USUAL_PARTS,
    store: Annotated[
        str,
        typer.Option(
            metavar="STORES",
            help="Where to store: sqlite, cassandra (one node that is started for it), or both with a comma.",
        ),
    ] = "sqlite",
    days: Annotated[int, typer.Option(metavar="N", min=2, max=100, help="Days that reports range over.")] = 7,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Other events for another number.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="See that everything works. The figures say nothing.")] = False,
    json: Annotated[
        str, typer.Option(metavar="FILE", help="Write the figures as JSON, too; - for standard output.")
    ] = "",
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help=f"Put the figures into docs/{DOCUMENT.name}.")
    ] = False,
) -> None:
    """Measure ingest and reports against what limits them, in some minutes and on this machine alone.

    Every event is drawn from a seed and sent by processes of their own to a server of its own. The run fails where an
    event is not answered as stored, or a report does not add up.
    """
    parts = _chosen(only, Part, "--only")
    stores = _chosen(store, StoreName, "--store")
    plan = quick_plan(seed) if quick else normal_plan(days, seed)
    # Tables leave standard output to JSON where that goes there.
    shown = Console(stderr=json == _STANDARD_OUTPUT)
    if not shown.is_terminal:
        shown.width = _PIPE_WIDTH
    figures = asyncio.run(_measure(plan, parts, stores, is_quick=quick))
    for sentence in sentences_of(figures):
        shown.print(sentence, style="dim", highlight=False)
    shown.print(Group(*(_table(grid) for grid in grids_of(figures))))
    encoded = orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if json == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(encoded)
    elif json:
        Path(json).write_bytes(encoded)
    if write_docs:
        write_into(DOCUMENT, figures)


async def _measure(plan: Plan, parts: Sequence[Part], stores: Sequence[StoreName], *, is_quick: bool) -> Figures:
    machine = look_at_machine()
    console = Console(stderr=True)
    showing = console.status("starting") if console.is_terminal else nullcontext()
    with showing as status, tempfile.TemporaryDirectory(prefix="eventmanager-bench-") as folder:

        def progress(what: str) -> None:
            if status:
                status.update(escape(what))

        progress("limits: steps")
        steps = measure_steps(plan.step_events, plan.seed) if "limits" in parts else []
        measured = [await _measure_store(name, plan, parts, Path(folder), progress) for name in stores]
    return Figures(machine=machine, is_quick=is_quick, seed=plan.seed, steps=steps, stores=measured)


async def _measure_store(
    name: StoreName, plan: Plan, parts: Sequence[Part], folder: Path, progress: Any
) -> StoreFigures:
    """Measure parts one after the other, each with a node of its own where the store needs one."""
    log_file = folder / "server.log"

    def place(part: Part) -> Path:
        made = folder / name / part
        made.mkdir(parents=True)
        return made

    commits: Sequence[CommitFigures] = ()
    ingest: Sequence[IngestFigures] = ()
    reports: ReportsFigures | None = None
    profile: Sequence[ProfileFigures] = ()
    if "limits" in parts:
        async with open_stores(name, place("limits")) as stores:
            commits = await measure_commits(stores, plan, progress)
    if "ingest" in parts:
        async with open_stores(name, place("ingest")) as stores:
            ingest = await measure_ingest(stores, plan, log_file, progress)
    if "reports" in parts:
        async with open_stores(name, place("reports")) as stores:
            reports = await measure_reports(stores, plan, log_file, progress)
    if "profile" in parts:
        async with open_stores(name, place("profile")) as stores:
            profile = await measure_profile(stores, plan, log_file)
    return StoreFigures(store=name, commits=commits, ingest=ingest, reports=reports, profile=profile)


def _chosen(text: str, among: Any, flag: str) -> list[Any]:
    """Return the choices that a list with commas names, in their own order."""
    wanted = set(text.split(","))
    there = get_args(among)
    if not wanted or wanted - set(there):
        raise typer.BadParameter(f"{text!r} was given. Name one or more of {', '.join(there)}.", param_hint=flag)
    return [choice for choice in there if choice in wanted]


def _table(grid: Grid) -> RenderableType:
    table = Table(title=grid.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(grid.headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=not place)
    for row in grid.rows:
        table.add_row(*row)
    return table


def main() -> None:
    """Run the command; a failure is told in a sentence."""
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(bench)
    try:
        application(prog_name="scripts/bench")
    except BenchmarkError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]Error:[/red] {escape(str(error))}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
