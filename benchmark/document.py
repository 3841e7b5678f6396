"""Writes figures into a document, in the place kept for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmark.errors import BenchmarkError
from benchmark.figures import Figures
from benchmark.grids import Grid, grids_of, sentences_of

START: Final = "<!-- figures -->"
END: Final = "<!-- end of figures -->"


def write_into(document: Path, figures: Figures) -> None:
    """Replace what is between the two marks. Raises BenchmarkError where they are not there."""
    text = document.read_text()
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise BenchmarkError(f"{document} has no place for figures, from {START} to {END}.")
    document.write_text(f"{before}{START}\n\n{markdown_of(figures)}\n{END}{after}")


def markdown_of(figures: Figures) -> str:
    """Lay out figures as Markdown."""
    parts = [*sentences_of(figures), *("\n".join(_lines(grid)) for grid in grids_of(figures))]
    return "\n\n".join(parts) + "\n"


def _lines(grid: Grid) -> Iterator[str]:
    yield f"### {grid.title}"
    yield ""
    yield f"| {' | '.join(grid.headings)} |"
    yield "|---" + "|--:" * (len(grid.headings) - 1) + "|"
    for row in grid.rows:
        yield f"| {' | '.join(row)} |"
