"""The recount of one day of one app.

Its order is what makes it right: first the marks, then the log, then the cells, each with the marks that were read
first. Whatever it missed was acknowledged after that, so it has raised a mark since, and the cells do not hold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from eventmanager.audit.cells import (
    DAY,
    MOST_CELL_BYTES,
    MOST_CELLS,
    MOST_MEMBERS,
    DayCount,
    encode_counts,
    encode_day,
    encode_totals,
    encode_visitors,
    report_of,
)
from eventmanager.audit.gathered_facts import GatheredFigures
from eventmanager.audit.log_parts import PartBounds, PartitionLog, log_parts
from eventmanager.audit.pace import Leave, do_in_steps
from eventmanager.audit.visitor_sets import VisitorSets
from eventmanager.blocks import Day, Partition
from eventmanager.facts import SetTable
from eventmanager.platforms import PlatformReader
from eventmanager.store.protocol import LoggedDays, Recount

TakeCell: TypeAlias = Callable[[Recount], Awaitable[None]]

_log = logging.getLogger(__name__)


class Caller(NamedTuple):
    """Whoever has a day counted."""

    take: TakeCell
    """Takes each cell."""
    leave: Leave


@dataclass(frozen=True, slots=True)
class RecountBounds:
    """What keeps memory and cells within bounds."""

    part: PartBounds = field(default_factory=PartBounds)
    most_members: int = MOST_MEMBERS
    most_cells: int = MOST_CELLS
    most_cell_bytes: int = MOST_CELL_BYTES


async def recount_day(
    days: LoggedDays, day: Day, shard_count: int, caller: Caller, bounds: RecountBounds | None = None
) -> DayCount | None:
    """Count a day again; return None for a day without events.

    Raises StoreUnavailableError; the cells handed out by then hold all the same.
    """
    bounds = bounds or RecountBounds()
    marks = (await days.marks(day.app, [day.date])).get(day.date)
    if marks is None:
        return None

    platforms = PlatformReader()
    gathered = GatheredFigures()
    cells = _Cells(day, marks, caller, bounds)
    events = copies = 0
    for shard in range(shard_count):
        async for part in log_parts(PartitionLog(days, Partition(*day, shard), platforms, caller.leave, bounds.part)):
            events += part.events
            copies += part.copies
            await asyncio.to_thread(gathered.add, part.figures)
            del part  # Or it would be there still while the next one is gathered.
            await caller.leave()
        await do_in_steps(gathered.tidy(), caller.leave)
        await cells.hand_over_visitors(shard, gathered.take_visitors())
    for set_table, counts in gathered.counts.items():
        await cells.hand_over(report_of(set_table), encode_counts(counts))
    for totals_table, totals in gathered.totals.items():
        await cells.hand_over(report_of(totals_table), await asyncio.to_thread(encode_totals, totals))
    count = DayCount(events, copies, cells.are_whole)
    await cells.hand_over(DAY, encode_day(count))
    return count


class _Cells:
    """Hands cells over, but for those that are too large."""

    def __init__(self, day: Day, marks: bytes, caller: Caller, bounds: RecountBounds) -> None:
        self._day = day
        self._marks = marks
        self._take = caller.take
        self._leave = caller.leave
        self._bounds = bounds
        self.are_whole = True
        """Whether all were handed over."""

    async def hand_over(self, report: str, figures: bytes) -> None:
        if len(figures) <= self._bounds.most_cell_bytes:
            await self._take(Recount(report, self._marks, figures))
        else:
            self._leave_out(report, f"{len(figures):,} bytes")

    async def hand_over_visitors(self, shard: int, visitors: Mapping[SetTable, VisitorSets]) -> None:
        for table, sets in visitors.items():
            count = max(1, -(-len(sets) // self._bounds.most_members))
            if count > self._bounds.most_cells:
                self._leave_out(report_of(table, shard), f"{len(sets):,} rows")
                continue
            # The first one last: it tells of the others.
            for number in reversed(range(count)):
                figures = await asyncio.to_thread(encode_visitors, sets.slice(number, count), count)
                await self.hand_over(report_of(table, shard, number, count), figures)
                await self._leave()

    def _leave_out(self, report: str, size: str) -> None:
        self.are_whole = False
        _log.warning(
            "The recount of %s for %s, app %s, takes %s and is not kept: the report stays unaudited.",
            self._day.date,
            report,
            self._day.app,
            size,
        )
