"""Compares live totals with a recount."""

import asyncio
from collections.abc import Sequence
from typing import Final

from eventmanager.audit.cells import decode_totals
from eventmanager.blocks import Day
from eventmanager.facts import Key, Totals, TotalsRow, TotalsTable
from eventmanager.store.protocol import Recount, Store

_TOTALS: Final = {table.value: table for table in TotalsTable}


async def differing_figures(store: Store, day: Day, recount: Recount) -> int:
    """Count the rows of a table that are not as they were counted again; zero where the cell is of no such table."""
    table = _TOTALS.get(recount.report)
    if table is None:
        return 0
    live = await store.totals(table, day)
    # In a thread, for a busy day has pages and elements by the hundred thousand.
    return await asyncio.to_thread(_count, live, recount.figures)


def _count(live: Sequence[TotalsRow], figures: bytes) -> int:
    counted = {row.key: row for row in decode_totals(figures).rows()}
    first: dict[Key, TotalsRow] = {}
    sums: dict[Key, Totals] = {}
    for row in live:
        if row.key not in first:
            first[row.key] = row
        elif row.key in sums:
            sums[row.key].merge(row.decode())
        else:
            sums[row.key] = first[row.key].decode()
            sums[row.key].merge(row.decode())
    # Equal sums are equal bytes, so that only what several ledgers tell of is decoded.
    same = sum(
        1
        for key, row in first.items()
        if key in counted and (sums[key] == counted[key].decode() if key in sums else row == counted[key])
    )
    return len(first.keys() | counted.keys()) - same
