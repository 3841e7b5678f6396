"""Rows of the log, and the facts that wait beside it."""

import sqlite3
from collections.abc import Sequence
from itertools import count
from typing import Any

import orjson
import zstandard

from eventmanager.blocks import Block
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.table_facts import decode_facts
from eventmanager.store.sqlite.tables import ALL_TABLES, TABLES_BY_NAME, Table
from eventmanager.store.sqlite.unsettled import PORTIONS, Unsettled


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
        value for partition, block in rows for value in (partition, block.block_id, block.count, block.payload)
    ]
    write_rows(connection, "INSERT INTO events (partition, block, count, payload)", 4, values)


def insert_facts(
    connection: sqlite3.Connection, encoded: Sequence[tuple[Table, bytes]], compressor: zstandard.ZstdCompressor
) -> int:
    """Keep facts until they go to their tables; return the id of the first row, which the others' follow."""
    if not encoded:
        return 0
    values: list[Any] = []
    for table, facts in encoded:
        values += (table.value, compressor.compress(facts))
    write_rows(connection, "INSERT INTO unsettled_facts (table_name, facts)", 2, values)
    ((last_id,),) = connection.execute("SELECT last_insert_rowid()").fetchall()
    return int(last_id) - len(encoded) + 1


def read_facts(connection: sqlite3.Connection) -> dict[Table, Unsettled]:
    """Read all facts kept."""
    unsettled: dict[Table, Unsettled] = {table: Unsettled() for table in ALL_TABLES}
    rows = connection.execute("SELECT id, table_name, facts FROM unsettled_facts ORDER BY id").fetchall()
    for row_id, name, compressed in rows:
        table = TABLES_BY_NAME[name]
        facts, length = decode_facts(table, compressed)
        # In turn: whichever portion it was, there is no harm in another.
        unsettled[table].add(row_id % PORTIONS, row_id, facts, length)
        unsettled[table].note_days(None)
    return unsettled


def delete_facts(connection: sqlite3.Connection, row_ids: Sequence[int]) -> None:
    """Let go of facts kept."""
    connection.execute(
        "DELETE FROM unsettled_facts WHERE id IN (SELECT value FROM json_each(?))", (orjson.dumps(row_ids).decode(),)
    )
