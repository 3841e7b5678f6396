"""The figures of days: of each from its recount where that holds, else from the live tables.

For each day the recount is read first, then the day's marks. Where they are those that the recount was made at, every
event acknowledged so far is counted exactly once.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import ReportInfo

from eventmanager.audit.cells import (
    VisitorCell,
    decode_counts,
    decode_totals,
    decode_visitors,
    report_of,
    visitor_rows,
)
from eventmanager.audit.gathered_facts import split_row
from eventmanager.blocks import Day, Partition
from eventmanager.errors import StoreUnavailableError
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.reports.reading import COUNTED_AT_ONCE, in_portions
from eventmanager.reports.scope import Scope
from eventmanager.store.protocol import Store
from eventmanager.visitor_hashes import hash_visitor

_MICROSECONDS_PER_SECOND = 1_000_000


class Figures:
    """The figures for one answer, which say in the end how far they can be relied on."""

    def __init__(self, store: Store, scope: Scope) -> None:
        self._store = store
        self._scope = scope
        self._live: set[datetime.date] = set()
        """Days of which some figure is live: then all that are read after it are, so that they go together."""

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """Read a day's totals, in no particular order. A key may come more than once: its rows add up."""
        figures = await self._recounted(day, report_of(table))
        if figures is None:
            return await self._store.totals(table, day)
        return await asyncio.to_thread(decode_totals, figures)

    async def recounted_counts(self, table: SetTable, day: Day) -> Mapping[Key, int] | None:
        """Return a day's distinct visitors by the columns that `Store.member_counts` counts by; None where only the
        live tables tell.
        """
        figures = await self._recounted(day, report_of(table))
        return None if figures is None else decode_counts(figures)

    async def live_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """Count the distinct visitors of a partition in the live tables."""
        return await self._store.member_counts(table, partition)

    async def visitors(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[tuple[Key, int]]]:
        """Read a partition's visitors by portions: the table's other columns, and the visitor's 64-bit hash."""
        cells = await self._visitor_cells(table, partition)
        if cells is None:
            async for page in self._store.members(table, partition):
                async for portion in in_portions(page, COUNTED_AT_ONCE):
                    yield [_hashed(table, row) for row in portion]
            return
        for cell in cells:
            for rows in visitor_rows(cell.visitors, COUNTED_AT_ONCE):
                yield rows
                await asyncio.sleep(0)

    def info(self) -> ReportInfo:
        """Say how far the figures read so far can be relied on. None of them is an estimate."""
        scope = self._scope
        read_time = Timestamp()
        read_time.FromMicroseconds(int(scope.read_time_s * _MICROSECONDS_PER_SECOND))
        return ReportInfo(
            date_range=scope.span.as_range(),
            time_zone=scope.app.zone.name,
            read_time=read_time,
            audited=not self._live and not scope.reaches_past_retention,
        )

    async def _visitor_cells(self, table: SetTable, partition: Partition) -> Sequence[VisitorCell] | None:
        """Return the cells of a partition's visitors where all of them hold."""
        cells: list[VisitorCell] = []
        while not cells or len(cells) < cells[0].cells:
            report = report_of(table, partition.shard, len(cells), cells[0].cells if cells else 1)
            figures = await self._recounted(partition.day, report)
            if figures is None:
                return None
            cells.append(await asyncio.to_thread(decode_visitors, figures))
        return cells

    async def _recounted(self, day: Day, report: str) -> bytes | None:
        """Return the figures of a day's recount where it holds."""
        if day.date in self._live:
            return None
        # In this order: whatever the recount lacks has raised a mark before it was acknowledged.
        recount = (await self._store.read_recounts(day.app, report, [day.date])).get(day.date)
        if recount is not None and recount.marks == await self._marks(day):
            return recount.figures
        self._live.add(day.date)
        return None

    async def _marks(self, day: Day) -> bytes | None:
        """Return a day's marks. Where another data centre does not answer, nobody knows them."""
        try:
            return (await self._store.marks(day.app, [day.date])).get(day.date)
        except StoreUnavailableError:
            return None


def _hashed(table: SetTable, row: tuple[Any, ...]) -> tuple[Key, int]:
    key, device_id = split_row(table, row)
    return key, hash_visitor(device_id)
