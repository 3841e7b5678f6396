"""How much of one partition is written at once.

A node takes a write of many rows for less than many writes of few: a row of a hundred costs it two to three times as
much as one of thousands. What fails is written again as a whole.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from eventmanager.store.cassandra.encoded_batch import batch_of_encoded
from eventmanager.store.cassandra.encoded_rows import EncodedRows
from eventmanager.store.cassandra.faults import StatementError
from eventmanager.store.cassandra.repeater import Repeater

MOST_MUTATION_BYTES: Final = 1 << 20
"""Most bytes in one write, but for a single row or block. A node takes half a segment of its log: 16 MiB unless told
otherwise, 4 MiB where segments are of 8.
"""
MOST_MUTATION_ROWS: Final = 8_000
"""A batch of the protocol holds 65,535. So many rows of usual length have less than the most bytes."""

_Row = TypeVar("_Row")


async def write_rows(
    repeater: Repeater,
    rows: Sequence[_Row],
    encode: Callable[[Sequence[_Row]], Sequence[EncodedRows]],
    put_back: Callable[[Sequence[_Row]], None],
) -> None:
    """Write rows of one partition, whatever their tables, as few mutations: of each all rows are applied, or none.

    Raises StatementError once all were tried; whatever was not written has been put back by then.
    """

    async def write(part: Sequence[_Row]) -> None:
        encoded = encode(part)
        size = sum(len(rows.encoded) for rows in encoded)
        if size > MOST_MUTATION_BYTES and len(part) > 1:
            await write_all(part, len(part) * MOST_MUTATION_BYTES // size or 1)
            return
        try:
            await repeater.execute(batch_of_encoded(encoded))
        except BaseException:
            put_back(part)
            raise

    async def write_all(rows: Sequence[_Row], most_rows: int) -> None:
        parts = (rows[start : start + most_rows] for start in range(0, len(rows), most_rows))
        results = await asyncio.gather(*map(write, parts), return_exceptions=True)
        failures = [result for result in results if result is not None]
        if failures:  # What was not foreseen before what was.
            raise min(failures, key=lambda failure: isinstance(failure, StatementError))

    await write_all(rows, MOST_MUTATION_ROWS)
