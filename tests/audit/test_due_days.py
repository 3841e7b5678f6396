"""Which days are due to be counted again by themselves."""

import datetime

from eventmanager.audit.due_days import QUIET_S, DueDays
from eventmanager.blocks import Day
from tests.conftest import Clock

OLD = Day("shop", datetime.date(2026, 6, 15))
YOUNG = Day("shop", datetime.date(2026, 6, 16))


def noted(clock: Clock, *days: Day, ends_in_s: float = 0) -> DueDays:
    """Return what knows of some days that close after some seconds."""
    due = DueDays(clock)
    for day in days:
        due.note(day)
        due.place(day, clock.time_s + ends_in_s)
    return due


def test_a_day_is_due_when_it_is_closed_and_quiet() -> None:
    """Both: a day that closed while events came in waits for them to end."""
    clock = Clock()
    due = noted(clock, OLD, ends_in_s=1_000)
    open_for_long = due.next()
    clock.time_s += 999
    still_open = due.next()
    due.note(OLD)
    clock.time_s += QUIET_S - 1
    not_quiet = due.next()
    clock.time_s += 1

    assert [None, None, None] == [open_for_long, still_open, not_quiet]
    assert OLD == due.next()


def test_the_oldest_day_is_first() -> None:
    """And once it is settled the next one."""
    clock = Clock()
    due = noted(clock, YOUNG, OLD)
    clock.time_s += QUIET_S
    first = due.next()
    due.settle(OLD, clock.time_s)

    assert (OLD, YOUNG) == (first, due.next())
    assert [] == due.unplaced()


def test_a_day_that_changes_meanwhile_is_due_again_after_a_rest() -> None:
    """A day that goes on changing is not counted all the time: ten times as long as it took it rests."""
    clock = Clock()
    due = noted(clock, OLD)
    clock.time_s += QUIET_S
    began_s = clock.time_s
    clock.time_s += 60
    due.note(OLD)
    clock.time_s += 40
    due.settle(OLD, began_s)
    clock.time_s += 999
    resting = due.next()
    clock.time_s += 1

    assert (None, OLD) == (resting, due.next())


def test_a_day_whose_recount_failed_is_tried_later() -> None:
    """After as long as a day must be quiet; the others do not wait for it."""
    clock = Clock()
    due = noted(clock, OLD, YOUNG)
    clock.time_s += QUIET_S
    due.postpone(OLD)
    meanwhile = due.next()
    due.settle(YOUNG, clock.time_s)
    waiting = due.next()
    clock.time_s += QUIET_S

    assert (YOUNG, None, OLD) == (meanwhile, waiting, due.next())


def test_days_say_when_the_oldest_of_them_closed() -> None:
    """Those that are open say nothing."""
    clock = Clock()
    due = noted(clock, OLD, ends_in_s=5)
    while_open = due.oldest_end_s()
    clock.time_s += 100
    closed = due.oldest_end_s()
    due.forget(OLD)

    assert (None, clock.time_s - 95, None) == (while_open, closed, due.oldest_end_s())
