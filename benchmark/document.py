"""Writes figures into a document, in the places kept for them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmark.errors import BenchmarkError
from benchmark.figures import Figures
from benchmark.grids import Grid, grids_of, sentences_of

END: Final = "<!-- end of figures -->"


def start_of(place: str) -> str:
    """Return the mark after which figures of a place go."""
    return f"<!-- {place} -->"


def write_into(document: Path, figures: Figures) -> None:
    """Replace what is between the two marks of each place that figures were measured for; the others stay.

    Raises BenchmarkError where a place is not there, and then changes nothing.
    """
    text = document.read_text()
    for place, grids in _by_place(figures).items():
        start = start_of(place)
        before, found, rest = text.partition(start)
        _, end, after = rest.partition(END)
        if not found or not end:
            raise BenchmarkError(f"{document} has no place for figures, from {start} to {END}.")
        text = f"{before}{start}\n\n{_markdown_of(figures, grids)}\n{END}{after}"
    document.write_text(text)


def _by_place(figures: Figures) -> Mapping[str, Sequence[Grid]]:
    places: dict[str, list[Grid]] = {}
    for grid in grids_of(figures):
        places.setdefault(grid.place, []).append(grid)
    return places


def _markdown_of(figures: Figures, grids: Sequence[Grid]) -> str:
    return "\n\n".join([*sentences_of(figures), *("\n".join(_lines(grid)) for grid in grids)]) + "\n"


def _lines(grid: Grid) -> Iterator[str]:
    yield f"### {grid.title}"
    yield ""
    yield f"| {' | '.join(grid.headings)} |"
    yield "|---" + "|--:" * (len(grid.headings) - 1) + "|"
    for row in grid.rows:
        yield f"| {' | '.join(row)} |"
