"""The audit's protocol: in no order of steps are figures said to be audited that are not exact."""

import pytest

from tests.audit.protocol_model import Protocol, WronglyAuditedError, empty_world, run_alone, states

OPEN, UNNAMED = 0, -1
"""Ledgers that `days` names, and such as are yet to be opened."""


def run(protocol: Protocol, *, resent: bool, ledgers: int, reports: int, clocks: tuple[int, int]) -> int:
    """Try everything, and return how many states there were.

    One server commits a block; another commits the same one, resent, or one of its own.
    """
    world = empty_world(ledgers, 2, reports)
    second = protocol.resend(1, "a") if resent else protocol.commit(1, "b")
    events = ("a",) if resent else ("a", "b")
    programs = [protocol.commit(0, "a"), second, *(protocol.recount(clock, world, events) for clock in clocks)]
    return sum(1 for _ in states(world, [*programs, protocol.read(world)]))


@pytest.mark.parametrize(
    ("resent", "ledgers", "reports", "clocks", "expected"),
    [
        (True, OPEN, 1, (1, 1), 61_585),
        (True, UNNAMED, 1, (5, 1), 520_700),
        (False, OPEN, 1, (5, 1), 134_490),
        (True, OPEN, 2, (5, 1), 455_149),
    ],
    ids=["one clock", "ledgers yet to be opened", "two blocks", "two cells"],
)
def test_audited_is_never_said_wrongly(
    resent: bool, ledgers: int, reports: int, clocks: tuple[int, int], expected: int
) -> None:
    """Whatever crashes when, and however far the clocks are apart, in as many states as there are."""
    assert expected == run(Protocol(), resent=resent, ledgers=ledgers, reports=reports, clocks=clocks)


@pytest.mark.parametrize(
    ("mutant", "resent"),
    [
        (Protocol(log_before_mark=False), False),
        (Protocol(resent_raises_mark=False), True),
        (Protocol(marks_before_log=False), False),
    ],
    ids=["mark before log row", "no mark for a resent block", "marks read after the log"],
)
def test_the_model_finds_what_is_wrong(mutant: Protocol, resent: bool) -> None:
    """Each rule of the order is needed: without it some order of steps ends with a wrong answer."""
    with pytest.raises(WronglyAuditedError):
        run(mutant, resent=resent, ledgers=OPEN, reports=1, clocks=(1, 1))


@pytest.mark.parametrize("clocks", [(5, 1), (1, 5), (1, 1)])
def test_a_recount_in_quiet_is_believed(clocks: tuple[int, int]) -> None:
    """Also by a server whose clock is behind: its cells are newer than those that are there."""
    protocol = Protocol()
    world = empty_world(OPEN, 2, 2)
    for program in (protocol.recount(clocks[0], world, ("a",)), protocol.commit(0, "a")):
        world = run_alone(world, program)
    world = run_alone(world, protocol.recount(clocks[1], world, ("a",)))

    assert [(world.marks, ("a",))] * 2 == [(cell.marks, cell.figures) for cell in world.cells if cell]
