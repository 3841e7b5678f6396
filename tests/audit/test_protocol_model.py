"""The audit's protocol: in no order of steps are figures said to be audited that are not exact."""

import pytest

from tests.audit.protocol_model import Protocol, World, WronglyAuditedError, run_alone, states

NOBODY: frozenset[str] = frozenset()
OPEN, UNKNOWN = 0, -1
"""A ledger that `days` names, and one that is yet to be opened."""


def run(protocol: Protocol, *, resent: bool, ledgers: int, clocks: tuple[int, int]) -> int:
    """Try everything, and return how many states there were."""
    world = World((ledgers, ledgers), NOBODY, None, NOBODY)
    second = protocol.resend(1, "a") if resent else protocol.commit(1, "b")
    events = ("a",) if resent else ("a", "b")
    programs = [protocol.commit(0, "a"), second, *(protocol.recount(clock, 2, events) for clock in clocks)]
    return sum(1 for _ in states(world, [*programs, protocol.read(2)]))


@pytest.mark.parametrize(
    ("resent", "ledgers", "clocks"),
    [(True, OPEN, (1, 1)), (True, UNKNOWN, (5, 1)), (False, OPEN, (5, 1))],
)
def test_audited_is_never_said_wrongly(resent: bool, ledgers: int, clocks: tuple[int, int]) -> None:
    """Whatever crashes when, and however far the clocks are apart."""
    assert run(Protocol(), resent=resent, ledgers=ledgers, clocks=clocks) > 10_000


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
        run(mutant, resent=resent, ledgers=OPEN, clocks=(1, 1))


@pytest.mark.parametrize("clocks", [(5, 1), (1, 5), (1, 1)])
def test_a_recount_in_quiet_is_believed(clocks: tuple[int, int]) -> None:
    """Also by a server whose clock is behind: its cell is newer than the one that is there."""
    protocol = Protocol()
    world = World((OPEN, OPEN), NOBODY, None, NOBODY)
    for program in (protocol.recount(clocks[0], 2, ("a",)), protocol.commit(0, "a")):
        world = run_alone(world, program)
    world = run_alone(world, protocol.recount(clocks[1], 2, ("a",)))

    assert world.cell is not None
    assert (world.marks, ("a",)) == (world.cell.marks, world.cell.figures)
