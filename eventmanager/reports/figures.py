"""The figures of days: of each from its recount where that holds, else from the live tables.

For each day the recount is read first, then the day's marks. Where they are those that the recount was made at, every
event acknowledged so far is counted exactly once. What was read for an earlier question was read first, too.
"""

import datetime
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple, Self, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import ReportInfo

from eventmanager.errors import StoreUnavailableError
from eventmanager.reports.kept import Kept
from eventmanager.reports.recounts import CellKind, Recounts
from eventmanager.reports.scope import Scope
from eventmanager.store.protocol import Store
from eventmanager.visitor_hashes import VisitorHashes

_MICROSECONDS_PER_SECOND = 1_000_000
_Cell = TypeVar("_Cell")


class Sources(NamedTuple):
    """What all reports of a server are made from."""

    store: Store
    recounts: Recounts
    kept: Kept
    hashes: VisitorHashes

    @classmethod
    def of(cls, store: Store, kept: Kept | None = None) -> Self:
        """Read a store."""
        kept = kept or Kept()
        return cls(store, Recounts(store, kept), kept, VisitorHashes())


class Figures:
    """The figures for one answer, which say in the end how far they can be relied on."""

    def __init__(self, sources: Sources, scope: Scope) -> None:
        self.store, self._recounts, self.kept, self.hashes = sources
        self.app = scope.app.app
        self._scope = scope
        self._marks: dict[datetime.date, bytes] | None = None
        self._live: set[datetime.date] = set()
        """Days of which some figure is live: then all that are read after it are, so that they go together."""

    async def recounted(
        self, kind: CellKind[_Cell], reports: Mapping[datetime.date, Sequence[str]]
    ) -> Mapping[datetime.date, bytes]:
        """Return the marks of those of some days whose recounts hold and have all the cells named; the others are live
        from now on.
        """
        if self._marks is None:
            self._marks = dict(await read_marks(self.store, self.app, self._scope.dates))
        names = {(report, date) for date, some in reports.items() for report in some if self._may_hold(date)}
        just_read = await self._read(kind, [name for name in names if not self._holds(*name)])
        further = {(further, date) for report, date in names for further in self.further(report, date)}
        just_read |= await self._read(kind, [name for name in further if not self._holds(*name)])
        lacking = {date for report, date in names | further if not self._holds(report, date)}
        # Only now: whatever a recount lacks has raised a mark before it was acknowledged.
        certain = sorted(just_read - lacking)
        marks = await read_marks(self.store, self.app, certain) if certain else {}
        lacking |= {date for date in just_read if marks.get(date) != self._marks.get(date)}
        holding = {date: self._marks[date] for date in reports if self._may_hold(date) and date not in lacking}
        self._live.update(date for date in reports if date not in holding)
        return holding

    def further(self, report: str, date: datetime.date) -> Sequence[str]:
        """Name the reports whose cells hold the rest of a cell that has been read."""
        known = self._recounts.known(self.app, report, date)
        return known.further if known else ()

    async def cells(
        self, kind: CellKind[_Cell], report: str, marks: Mapping[datetime.date, bytes]
    ) -> AsyncIterator[Mapping[datetime.date, _Cell]]:
        """Return the cells of days that `recounted` gave, some at a time; days whose cell is another by now are left
        out.
        """
        async for some in self._recounts.cells(kind, self.app, report, marks):
            yield some

    def are_live(self, dates: Collection[datetime.date]) -> None:
        """Note that figures of some days are taken from the live tables."""
        self._live.update(dates)

    def info(self) -> ReportInfo:
        """Say how far the figures read so far can be relied on. None of them is an estimate."""
        scope = self._scope
        read_time = Timestamp()
        read_time.FromMicroseconds(int(scope.read_time_s * _MICROSECONDS_PER_SECOND))
        return ReportInfo(
            date_range=scope.span.as_range(),
            time_zone=scope.app.zone.name,
            read_time=read_time,
            audited=not self._live and not scope.may_lack_days,
        )

    async def _read(self, kind: CellKind[_Cell], names: Collection[tuple[str, datetime.date]]) -> set[datetime.date]:
        """Read some cells, and return their days."""
        dates_of: dict[str, list[datetime.date]] = {}
        for report, date in sorted(names):
            dates_of.setdefault(report, []).append(date)
        for report, dates in dates_of.items():
            await self._recounts.read(kind, self.app, report, dates)
        return {date for _, date in names}

    def _may_hold(self, date: datetime.date) -> bool:
        return self._marks is not None and date in self._marks and date not in self._live

    def _holds(self, report: str, date: datetime.date) -> bool:
        """Tell whether a cell that has been read has the marks that the day had."""
        known = self._recounts.known(self.app, report, date)
        return known is not None and self._marks is not None and known.marks == self._marks.get(date)


async def read_marks(store: Store, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
    """Return the marks of days. Where another data centre does not answer, nobody knows them."""
    try:
        return await store.marks(app, dates)
    except StoreUnavailableError:
        return {}
