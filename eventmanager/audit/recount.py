"""The recount of one day of one app.

Its order is what makes it right: first the marks, then the log, then the cells, each with the marks that were read
first. Whatever it missed was acknowledged after that, so it has raised a mark since, and the cells do not hold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from eventmanager.audit.cells import (
    DAY,
    MOST_CELL_BYTES,
    MOST_MEMBERS,
    DayCount,
    encode_counts,
    encode_day,
    encode_totals,
    encode_visitors,
    report_of,
)
from eventmanager.audit.gathered_facts import GatheredFacts, PartMemory
from eventmanager.audit.log_parts import MOST_PART_EVENTS, LogPart, log_parts
from eventmanager.blocks import Block, Day, Partition
from eventmanager.fold import fold
from eventmanager.platforms import PlatformReader
from eventmanager.store.protocol import LoggedDays, Recount

TakeCell: TypeAlias = Callable[[Recount], Awaitable[None]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecountBounds:
    """What keeps memory within bounds."""

    most_part_events: int = MOST_PART_EVENTS
    most_members: int = MOST_MEMBERS
    most_cell_bytes: int = MOST_CELL_BYTES


async def recount_day(
    days: LoggedDays, day: Day, shard_count: int, take: TakeCell, bounds: RecountBounds | None = None
) -> DayCount | None:
    """Count a day again and hand each cell to `take`; return None for a day without events.

    Raises StoreUnavailableError; the cells handed out by then hold all the same.
    """
    bounds = bounds or RecountBounds()
    marks = (await days.marks(day.app, [day.date])).get(day.date)
    if marks is None:
        return None

    is_whole = True

    async def hand_over(report: str, figures: bytes) -> None:
        nonlocal is_whole
        if len(figures) <= bounds.most_cell_bytes:
            await take(Recount(report, marks, figures))
        else:
            is_whole = False
            _log.warning(
                "The recount of %s for %s, app %s, takes %d bytes and is not kept: the report stays unaudited.",
                day.date,
                report,
                day.app,
                len(figures),
            )

    platforms = PlatformReader()
    gathered = GatheredFacts(bounds.most_members)
    events = copies = 0
    for shard in range(shard_count):
        partition = Partition(*day, shard)
        async for part in log_parts(days, partition, platforms, bounds.most_part_events):
            events += len(part.rows)
            copies += part.copies
            await asyncio.to_thread(_add_part, gathered, partition, part)
            del part  # Or it would be there still while the next one is gathered.
        for table, visitors in gathered.take_visitors().items():
            if visitors.hashes is None:
                is_whole = False
            else:
                await hand_over(report_of(table, shard), await asyncio.to_thread(encode_visitors, visitors.hashes))
    for set_table, counts in gathered.counts.items():
        await hand_over(report_of(set_table), encode_counts(counts))
    for totals_table, totals in gathered.totals.items():
        await hand_over(report_of(totals_table), await asyncio.to_thread(encode_totals, totals))
    count = DayCount(events, copies, is_whole)
    await hand_over(DAY, encode_day(count))
    return count


def _add_part(gathered: GatheredFacts, partition: Partition, part: LogPart) -> None:
    """Fold a part of the log as live blocks are folded: in their order, visitors' stages follow one another."""
    gathered.add(fold([Block(partition, b"", part.rows, b"", 0)], PartMemory()))
