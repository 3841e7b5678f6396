"""The audit's protocol as a model small enough to try every order of its steps.

Two servers commit, two recounts and a reader run, each step by step; any of them may crash between two steps. A world
is what the store holds and what was acknowledged. The model knows no clocks but those that recounts write cells by.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Marks: TypeAlias = tuple[int, ...]
"""By ledger: -1 where `days` does not name it, else the blocks that it says to have acknowledged."""
Events: TypeAlias = frozenset[str]


class Cell(NamedTuple):
    """A recount's cell. Where two have one time, the larger one stays."""

    time: int
    marks: Marks
    figures: tuple[str, ...]


class World(NamedTuple):
    """What everybody sees."""

    marks: Marks
    log: Events
    cell: Cell | None
    acknowledged: Events


class Local(NamedTuple):
    """What one process knows: the marks and events it has read so far, and what it must account for."""

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

    def recount(self, clock: int, ledgers: int, events: Sequence[str]) -> Program:
        """Count the day again, by a process whose clock shows a time."""

        def read_cell(world: World, local: Local) -> tuple[World, Local]:
            return world, local._replace(cell=world.cell)

        def write_cell(world: World, local: Local) -> tuple[World, Local]:
            time = max(clock, local.cell.time + 1 if local.cell else 0)
            cell = Cell(time, local.marks, tuple(sorted(local.events)))
            return world._replace(cell=max(cell, world.cell) if world.cell else cell), local

        marks = [_read_mark(ledger) for ledger in range(ledgers)]
        log = [_read_log(event) for event in events]
        order = (*marks, *log) if self.marks_before_log else (*log, *marks)
        return (*order, read_cell, write_cell)

    def read(self, ledgers: int) -> Program:
        """Answer a question; the answer is checked. A reader that would say `audited` of nothing gives up."""

        def read_cell(world: World, local: Local) -> tuple[World, Local | None]:
            return world, local._replace(cell=world.cell) if world.cell else None

        def compare(ledger: int) -> Step:
            def step(world: World, local: Local) -> tuple[World, Local | None]:
                if local.cell is None or local.cell.marks[ledger] != world.marks[ledger]:
                    return world, None
                owed = world.acknowledged if ledger == 0 else local.owed
                figures = frozenset(local.cell.figures)
                if ledger == ledgers - 1 and not owed <= figures <= world.log:
                    raise WronglyAuditedError
                return world, local._replace(owed=owed)

            return step

        return (read_cell, *map(compare, range(ledgers)))


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


def _name_ledger(ledger: int) -> Step:
    def step(world: World, local: Local) -> tuple[World, Local | None]:
        marks = world.marks
        return world._replace(marks=(*marks[:ledger], max(0, marks[ledger]), *marks[ledger + 1 :])), local

    return step


def _raise_mark(ledger: int) -> Step:
    def step(world: World, local: Local) -> tuple[World, Local | None]:
        marks = world.marks
        return world._replace(marks=(*marks[:ledger], marks[ledger] + 1, *marks[ledger + 1 :])), local

    return step


def _write_log(event: str) -> Step:
    return lambda world, local: (world._replace(log=world.log | {event}), local)


def _acknowledge(event: str) -> Step:
    return lambda world, local: (world._replace(acknowledged=world.acknowledged | {event}), local)


def _unless_known(step: Step) -> Step:
    """Leave out a step where the block was found in the log."""
    return lambda world, local: (world, local) if local.events else step(world, local)


def _read_mark(ledger: int) -> Step:
    return lambda world, local: (world, local._replace(marks=(*local.marks, world.marks[ledger])))


def _read_log(event: str) -> Step:
    """Read the page of the log that has an event, if any."""
    return lambda world, local: (world, local._replace(events=local.events | (world.log & {event})))
