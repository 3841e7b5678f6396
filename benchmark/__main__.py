"""The command: `scripts/bench`."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, get_args

import orjson
import typer
from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from benchmark.commits import measure_commits
from benchmark.document import write_into
from benchmark.errors import BenchmarkError
from benchmark.figures import Figures, StoreFigures
from benchmark.grids import Grid, grids_of, sentences_of
from benchmark.growth import measure_growth
from benchmark.ingest import measure_ingest
from benchmark.machine import look_at_machine
from benchmark.plan import Plan, normal_plan, quick_plan
from benchmark.profile import may_sample, measure_profile
from benchmark.reports import measure_reports
from benchmark.soak import measure_soak
from benchmark.steps import measure_steps
from benchmark.stores import MeasuredStores, StoreName, open_stores
from eventmanager.pipes import output

Part: TypeAlias = Literal["limits", "ingest", "reports", "profile", "soak", "growth"]

_T = TypeVar("_T")

USUAL_PARTS: Final = "limits,ingest,reports"
DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "performance.md"
_STANDARD_OUTPUT: Final = "-"
_PIPE_WIDTH: Final = 160
_SECONDS_A_MINUTE: Final = 60
_MORE_WORKERS: Final = "cassandra"
"""The store that several processes can share."""


def bench(
    only: Annotated[
        str,
        typer.Option(
            metavar="PARTS",
            help=f"What to measure, of {', '.join(get_args(Part))}; several with commas. "
            f"[default: {USUAL_PARTS}, unless --soak or --growth is given; with --quick all]",
        ),
    ] = "",
    store: Annotated[
        str,
        typer.Option(
            metavar="STORES",
            help="Where to store: sqlite, cassandra (one node that is started for it), or both with a comma.",
        ),
    ] = "sqlite",
    workers: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="With how many processes the server takes events on Cassandra, several numbers with commas.",
        ),
    ] = "1,2",
    days: Annotated[int, typer.Option(metavar="N", min=2, max=100, help="Days that reports range over.")] = 30,
    soak: Annotated[
        bool, typer.Option("--soak", help="See whether memory stays flat for minutes at 80 % of the top rate.")
    ] = False,
    soak_minutes: Annotated[float, typer.Option(metavar="N", min=0.1, help="How long that is.")] = 10,
    growth: Annotated[
        bool, typer.Option("--growth", help="See what events cost as the tables of their day grow.")
    ] = False,
    growth_events: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Events of that day, smallest number first.")
    ] = "1000000,10000000,50000000",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Other events for another number.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="See that everything works. The figures say nothing.")] = False,
    json: Annotated[
        str, typer.Option(metavar="FILE", help="Write the figures as JSON, too; - for standard output.")
    ] = "",
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help=f"Put the figures into docs/{DOCUMENT.name}.")
    ] = False,
) -> None:
    """Measure ingest and reports against what limits them, on this machine alone.

    Every event is drawn from a seed and sent by processes of their own to a server of its own. The run fails where an
    event is not answered as stored, or a report does not add up.

    On two cores the usual parts take some 8 minutes on SQLite and some 15 on Cassandra, half of them for the 30 days
    of the reports; --soak as long as it is told and a minute more, and --growth some 10 minutes on SQLite and 25 on
    Cassandra.
    """
    runs_of_their_own = [part for part, is_wanted in (("soak", soak), ("growth", growth)) if is_wanted]
    usual = ",".join(runs_of_their_own) or (_all_parts() if quick else USUAL_PARTS)
    parts = _chosen(",".join([only, *runs_of_their_own]) if only else usual, Part, "--only")
    stores = _chosen(store, StoreName, "--store")
    sizes = _numbers(growth_events, "--growth-events")
    plan = quick_plan(seed) if quick else normal_plan(days, seed, soak_minutes * _SECONDS_A_MINUTE, sizes)
    # Tables leave standard output to JSON where that goes there.
    shown = Console(stderr=json == _STANDARD_OUTPUT)
    if not shown.is_terminal:
        shown.width = _PIPE_WIDTH
    measuring = _Measuring(plan, parts, _numbers(workers, "--workers"))
    figures = asyncio.run(measuring.measure(stores, is_quick=quick))
    for sentence in sentences_of(figures):
        shown.print(sentence, style="dim", highlight=False)
    if quick and "profile" not in parts and not only:
        shown.print("Left out: profile. This user may not look into other processes.", highlight=False)
    shown.print(Group(*(_table(grid) for grid in grids_of(figures))))
    encoded = orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if json == _STANDARD_OUTPUT:
        with output() as out:
            out.write(encoded)
    elif json:
        Path(json).write_bytes(encoded)
    if write_docs:
        write_into(DOCUMENT, figures)


class _Measuring:
    """Measures parts one after the other, each with a node of its own where the store needs one."""

    def __init__(self, plan: Plan, parts: Sequence[Part], workers: Sequence[int]) -> None:
        self._plan = plan
        self._parts = parts
        self._workers = workers
        self._show: Callable[[str], None] = lambda _: None

    async def measure(self, stores: Sequence[StoreName], *, is_quick: bool) -> Figures:
        """Measure all."""
        machine = look_at_machine()
        console = Console(stderr=True)
        showing = console.status("starting") if console.is_terminal else nullcontext()
        with showing as status, tempfile.TemporaryDirectory(prefix="eventmanager-bench-") as folder:
            if status:
                self._show = lambda what: status.update(escape(what))
            self._show("limits: steps")
            plan = self._plan
            steps = measure_steps(plan.step_events, plan.seed) if "limits" in self._parts else []
            measured = [await self._measure_store(name, Path(folder)) for name in stores]
        return Figures(machine=machine, is_quick=is_quick, seed=plan.seed, steps=steps, stores=measured)

    async def _measure_store(self, name: StoreName, folder: Path) -> StoreFigures:
        plan, show = self._plan, self._show
        log_file = folder / "server.log"
        workers = self._workers if name == _MORE_WORKERS else [1]

        async def part(part: Part, measure: Callable[[MeasuredStores], Awaitable[_T]], otherwise: _T) -> _T:
            if part not in self._parts:
                return otherwise
            place = folder / name / part
            place.mkdir(parents=True)
            try:
                async with open_stores(name, place) as stores:
                    return await measure(stores)
            finally:
                shutil.rmtree(place, ignore_errors=True)  # Gigabytes, where days are filled.

        return StoreFigures(
            store=name,
            commits=await part("limits", lambda stores: measure_commits(stores, plan, show), []),
            ingest=await part("ingest", lambda stores: measure_ingest(stores, plan, workers, log_file, show), []),
            reports=await part(
                "reports", lambda stores: measure_reports(stores, plan.reports, plan.seed, log_file, show), None
            ),
            profile=await part("profile", lambda stores: measure_profile(stores, plan, log_file, show), []),
            soak=await part("soak", lambda stores: measure_soak(stores, plan, log_file, show), None),
            growth=await part("growth", lambda stores: measure_growth(stores, plan, log_file, show), []),
        )


def _all_parts() -> str:
    return ",".join(part for part in get_args(Part) if part != "profile" or may_sample())


def _numbers(text: str, flag: str) -> list[int]:
    """Return the numbers that a list with commas names, the smallest first."""
    numbers = text.split(",")
    if not all(number.isascii() and number.isdigit() and int(number) for number in numbers):
        raise typer.BadParameter(f"{text!r} was given. Name one or more numbers above zero.", param_hint=flag)
    return sorted({int(number) for number in numbers})


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
