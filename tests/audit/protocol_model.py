"""The audit's protocol as a model small enough to try every order of its steps.

Two servers commit, two recounts and a reader run, each step by step: one step is one row read or written. Any of them
may crash between two steps. A world is what the store holds and what was acknowledged. The only clocks that matter are
those by which recounts give their cells a time; they may be apart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar

_T = TypeVar("_T")
_UNNAMED: Final = -1

Marks: TypeAlias = tuple[int, ...]
"""By ledger: -1 where `days` does not name it, else the blocks that it says to have acknowledged."""
Events: TypeAlias = frozenset[str]


class Cell(NamedTuple):
    """A recount's cell. Where two have one time, the larger one stays."""

    time: int
    marks: Marks
    figures: tuple[str, ...]


Cells: TypeAlias = tuple[Cell | None, ...]


class World(NamedTuple):
    """What everybody sees."""

    marks: Marks
    log: Events
    cells: Cells
    """One for each report."""
    acknowledged: Events


def empty_world(mark: int, ledgers: int, reports: int) -> World:
    """Return what is there before anything was committed; all ledgers are the same."""
    return World((mark,) * ledgers, frozenset(), (None,) * reports, frozenset())


class Local(NamedTuple):
    """What one process knows: the ledgers, marks and events it has read so far, and what it must account for."""

    named: tuple[bool, ...] = ()
    marks: Marks = ()
    events: Events = frozenset()
    cell: Cell | None = None
    owed: Events = frozenset()


Step: TypeAlias = Callable[[World, Local], tuple[World, Local | None]]
"""Changes the world and what the process knows; None where it has come to its end."""
Program: TypeAlias = Sequence[Step]
Process: TypeAlias = tuple[int, Local] | None
"""How many steps it has taken, and what it knows; None where it has ended or crashed, which is the same to others."""
State: TypeAlias = tuple[World, tuple[Process, ...]]


class WronglyAuditedError(Exception):
    """A reader said `audited` of figures that miss an acknowledged event, or have one that the log has not."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The order of steps, and what a mutant does otherwise."""

    log_before_mark: bool = True
    resent_raises_mark: bool = True
    marks_before_log: bool = True

    def commit(self, ledger: int, event: str) -> Program:
        """Write a block that is new."""
        log, mark = _write_log(event), _raise_mark(ledger)
        order = (log, mark) if self.log_before_mark else (mark, log)
        return (_name_ledger(ledger), *order, _acknowledge(event))

    def resend(self, ledger: int, event: str) -> Program:
        """Commit a block that may be in the log already."""

        def look(world: World, local: Local) -> tuple[World, Local]:
            return world, local._replace(events=world.log & {event})

        log, mark = _write_log(event), _raise_mark(ledger)
        if not self.resent_raises_mark:
            mark = _unless_known(mark)
        order = (_unless_known(log), mark) if self.log_before_mark else (mark, _unless_known(log))
        return (_name_ledger(ledger), look, *order, _acknowledge(event))

    def recount(self, clock: int, world: World, events: Sequence[str]) -> Program:
        """Count the day again, by a process whose clock shows a time, and write a cell for each report."""

        def read_cell(report: int) -> Step:
            return lambda world, local: (world, local._replace(cell=world.cells[report]))

        def write_cell(report: int) -> Step:
            def step(world: World, local: Local) -> tuple[World, Local]:
                time = max(clock, local.cell.time + 1 if local.cell else 0)
                cell, there = Cell(time, local.marks, tuple(sorted(local.events))), world.cells[report]
                cells = _with(world.cells, report, max(cell, there) if there else cell)
                return world._replace(cells=cells), local._replace(cell=None)

            return step

        marks = [_read_days, *(_read_mark(ledger) for ledger in range(len(world.marks)))]
        log = [_read_log(event) for event in events]
        cells = [step(report) for report in range(len(world.cells)) for step in (read_cell, write_cell)]
        return (*marks, *log, *cells) if self.marks_before_log else (*log, *marks, *cells)

    def read(self, world: World) -> Program:
        """Answer a question that takes all cells, one after the other; each answer is checked.

        A reader that would not say `audited` gives up.
        """
        last = len(world.marks) - 1

        def read_cell(report: int) -> Step:
            def step(world: World, local: Local) -> tuple[World, Local | None]:
                cell = world.cells[report]
                return world, local._replace(cell=cell) if cell else None

            return step

        def compare(ledger: int) -> Step:
            def step(world: World, local: Local) -> tuple[World, Local | None]:
                mark = world.marks[ledger] if local.named[ledger] else _UNNAMED
                if local.cell is None or local.cell.marks[ledger] != mark:
                    return world, None
                if ledger == last and not local.owed <= frozenset(local.cell.figures) <= world.log:
                    raise WronglyAuditedError
                return world, Local() if ledger == last else local  # Each cell is read and compared by itself.

            return step

        def read_days(world: World, local: Local) -> tuple[World, Local]:
            return world, local._replace(named=_named(world), owed=world.acknowledged)

        marks = (read_days, *map(compare, range(last + 1)))
        return tuple(step for report in range(len(world.cells)) for step in (read_cell(report), *marks))


def states(start: World, programs: Sequence[Program]) -> Iterator[State]:
    """Go through every state that some order of steps and crashes leads to. Raises WronglyAuditedError."""
    first: State = (start, tuple((0, Local()) for _ in programs))
    seen = {first}
    waiting = [first]
    while waiting:
        state = waiting.pop()
        yield state
        world, processes = state
        for number, process in enumerate(processes):
            if process is None:
                continue
            place, known = process
            program = programs[number]
            after, knows = program[place](world, known)
            step = (place + 1, knows) if knows is not None and place + 1 < len(program) else None
            for moved, then in ((step, after), (None, world)):
                following = (then, (*processes[:number], moved, *processes[number + 1 :]))
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)


def run_alone(world: World, program: Program) -> World:
    """Run a program to its end."""
    local: Local | None = Local()
    for step in program:
        if local is not None:
            world, local = step(world, local)
    return world


def _with(values: tuple[_T, ...], place: int, value: _T) -> tuple[_T, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _name_ledger(ledger: int) -> Step:
    return lambda world, local: (
        world._replace(marks=_with(world.marks, ledger, max(0, world.marks[ledger]))),
        local,
    )


def _raise_mark(ledger: int) -> Step:
    return lambda world, local: (
        world._replace(marks=_with(world.marks, ledger, world.marks[ledger] + 1)),
        local,
    )


def _write_log(event: str) -> Step:
    return lambda world, local: (world._replace(log=world.log | {event}), local)


def _acknowledge(event: str) -> Step:
    return lambda world, local: (world._replace(acknowledged=world.acknowledged | {event}), local)


def _unless_known(step: Step) -> Step:
    """Leave out a step where the block was found in the log."""
    return lambda world, local: (world, local) if local.events else step(world, local)


def _named(world: World) -> tuple[bool, ...]:
    return tuple(mark != _UNNAMED for mark in world.marks)


def _read_days(world: World, local: Local) -> tuple[World, Local]:
    """Read which ledgers there are; marks are read only of those."""
    return world, local._replace(named=_named(world))


def _read_mark(ledger: int) -> Step:
    def step(world: World, local: Local) -> tuple[World, Local]:
        mark = world.marks[ledger] if local.named[ledger] else _UNNAMED
        return world, local._replace(marks=(*local.marks, mark))

    return step


def _read_log(event: str) -> Step:
    """Read the page of the log that has an event, if any."""
    return lambda world, local: (world, local._replace(events=local.events | (world.log & {event})))
