"""The cells of recounts as reports read them: several at once, decoded once, and kept."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from eventmanager.audit.cells import VisitorCell, decode_counts, decode_totals, decode_visitors, further_reports
from eventmanager.audit.total_columns import TotalColumns
from eventmanager.facts import Key
from eventmanager.reports.kept import Kept
from eventmanager.store.protocol import Recount, Store

_CELLS_AT_ONCE: Final = 8
"""How many are read and decoded together: of the largest there are, some 500 MB."""
_MOST_KNOWN_BYTES: Final = 8 << 20
_COUNT_BYTES: Final = 300
_SET_BYTES: Final = 400

_Cell = TypeVar("_Cell")


@dataclass(frozen=True, slots=True)
class CellKind(Generic[_Cell]):
    """What a cell's figures are."""

    decode: Callable[[bytes], _Cell]
    size_bytes: Callable[[_Cell], int]
    """About the memory that a decoded one takes."""
    further: Callable[[str, _Cell], Sequence[str]] = lambda *_: ()
    """Given a cell and its report, names the reports whose cells hold the rest."""


TOTALS: Final[CellKind[TotalColumns]] = CellKind(decode_totals, lambda columns: columns.size_bytes)
COUNTS: Final[CellKind[Mapping[Key, int]]] = CellKind(decode_counts, lambda counts: _COUNT_BYTES * len(counts))
VISITORS: Final[CellKind[VisitorCell]] = CellKind(
    decode_visitors,
    lambda cell: sum(_SET_BYTES + hashes.itemsize * len(hashes) for _, hashes in cell.visitors),
    lambda report, cell: further_reports(report, cell.cells),
)


class _Decoded(NamedTuple, Generic[_Cell]):
    marks: bytes
    cell: _Cell


class Known(NamedTuple):
    """What is known of a cell that has been read, when it may be kept no more."""

    marks: bytes
    further: Sequence[str]
    """The reports whose cells hold the rest."""


class Recounts:
    """Reads cells of a store. One for a server."""

    def __init__(self, store: Store, kept: Kept) -> None:
        self._store = store
        self._kept = kept
        self._known = Kept(_MOST_KNOWN_BYTES)

    def known(self, app: str, report: str, date: datetime.date) -> Known | None:
        """Return what is known of a cell, or None where it has not been read."""
        known: Known | None = self._known.get((app, report, date))
        return known

    async def read(self, kind: CellKind[_Cell], app: str, report: str, dates: Sequence[datetime.date]) -> None:
        """Read the cells of one report on some days, so that `known` tells of those that are there."""
        for start in range(0, len(dates), _CELLS_AT_ONCE):
            await self._read(kind, app, report, dates[start : start + _CELLS_AT_ONCE])

    async def cells(
        self, kind: CellKind[_Cell], app: str, report: str, marks: Mapping[datetime.date, bytes]
    ) -> AsyncIterator[Mapping[datetime.date, _Cell]]:
        """Return the cells that have these marks, some at a time; days where there is none by now are left out."""
        dates = list(marks)
        for start in range(0, len(dates), _CELLS_AT_ONCE):
            some = dates[start : start + _CELLS_AT_ONCE]
            found: dict[datetime.date, _Cell] = {}
            for date in some:
                decoded: _Decoded[_Cell] | None = self._kept.get((app, report, date))
                if decoded is not None and decoded.marks == marks[date]:
                    found[date] = decoded.cell
            missing = [date for date in some if date not in found]
            if missing:
                read = await self._read(kind, app, report, missing)
                found |= {date: one.cell for date, one in read.items() if one.marks == marks[date]}
            yield found

    async def _read(
        self, kind: CellKind[_Cell], app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, _Decoded[_Cell]]:
        recounts = await self._store.read_recounts(app, report, dates)
        # In a thread: large cells take some time.
        decoded = await asyncio.to_thread(_decode, kind, recounts)
        for date, one in decoded.items():
            self._kept.keep((app, report, date), one, kind.size_bytes(one.cell))
            self._known.keep((app, report, date), Known(one.marks, kind.further(report, one.cell)))
        return decoded


def _decode(
    kind: CellKind[_Cell], recounts: Mapping[datetime.date, Recount]
) -> Mapping[datetime.date, _Decoded[_Cell]]:
    return {date: _Decoded(recount.marks, kind.decode(recount.figures)) for date, recount in recounts.items()}
