"""Additions and the totals they make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventmanager.durations import Durations
from eventmanager.facts import Addition, Totals, TotalsRow

MILLISECONDS = st.lists(st.integers(min_value=0, max_value=30 * 86_400_000), max_size=10)
ADDITIONS = st.builds(
    lambda left, clicked: Addition((len(left), len(clicked)), (left, clicked)), MILLISECONDS, MILLISECONDS
)


@given(st.lists(ADDITIONS, min_size=1))
def test_additions_add_up(additions: list[Addition]) -> None:
    """One after the other, and as totals of their own that are merged."""
    added = Totals.of(additions[0])
    merged = Totals.of(additions[0])
    for addition in additions[1:]:
        added.add(addition)
        merged.merge(Totals.of(addition))
    left = [ms for addition in additions for ms in addition.elapsed_ms[0]]
    clicked = [ms for addition in additions for ms in addition.elapsed_ms[1]]

    assert Totals((len(left), len(clicked)), (Durations.of(left), Durations.of(clicked))) == added == merged


@given(ADDITIONS)
def test_a_row_is_decoded(addition: Addition) -> None:
    """Into the totals that were encoded."""
    totals = Totals.of(addition)
    encoded = tuple((durations.total_ms, durations.encode()) for durations in totals.durations)
    row = TotalsRow(("buy",), tuple(totals.counts), encoded)

    assert totals == row.decode()


def test_totals_without_durations() -> None:
    """Counts alone add up, too."""
    totals = Totals.of(Addition((1, 2, 3, 4), ()))
    totals.add(Addition((1, 1, 1, 1), ()))

    assert Totals((2, 3, 4, 5), ()) == totals


def test_totals_differ_by_what_they_are() -> None:
    """They are equal to nothing else, are no keys, and say what they are."""
    totals = Totals.of(Addition((1,), ([10],)))

    assert Totals.of(Addition((1,), ([11],))) != totals
    assert totals != 1
    assert "<Totals: [1], [<Durations: 1 of 10 ms in all>]>" == repr(totals)
    with pytest.raises(TypeError):
        hash(totals)
