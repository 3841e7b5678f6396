"""Rows of the log, and the facts that wait beside it."""

import sqlite3
from collections.abc import Sequence
from itertools import count
from typing import Any

from eventmanager.blocks import Block
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.numbered_facts import NumberedFacts, compress, decode_facts


def known_blocks(connection: sqlite3.Connection, partitions: Sequence[int], blocks: Sequence[Block]) -> set[int]:
    """Return the positions of blocks that are in the log. `partitions` are the numbers of theirs."""
    positions = count()
    sent: list[Any] = [
        value
        for partition, block in zip(partitions, blocks, strict=True)
        for value in (next(positions), partition, block.block_id)
    ]
    known: set[int] = set()
    for rows, values in value_rows(3, sent):
        known.update(
            read_json(
                connection,
                f"WITH sent (position, partition, block) AS (VALUES {rows}) "
                "SELECT json_group_array(position) FROM sent CROSS JOIN events USING (partition, block)",
                values,
            )
        )
    return known


def insert_blocks(connection: sqlite3.Connection, rows: Sequence[tuple[int, Block]]) -> None:
    """Append blocks to the log, each with its partition's number."""
    values: list[Any] = [
        value for partition, block in rows for value in (partition, block.block_id, len(block.rows), block.payload)
    ]
    write_rows(connection, "INSERT INTO events (partition, block, count, payload)", 4, values)


def insert_facts(connection: sqlite3.Connection, encoded: bytes) -> None:
    """Keep facts until they go to their tables."""
    connection.execute("INSERT INTO unsettled_facts (facts) VALUES (?)", (compress(encoded),))


def read_facts(connection: sqlite3.Connection) -> Sequence[tuple[NumberedFacts, int]]:
    """Read all facts kept, in order, with their length when encoded."""
    rows = connection.execute("SELECT facts FROM unsettled_facts ORDER BY id").fetchall()
    return [decode_facts(compressed) for (compressed,) in rows]


def delete_facts(connection: sqlite3.Connection) -> None:
    """Let go of all facts kept."""
    connection.execute("DELETE FROM unsettled_facts")
