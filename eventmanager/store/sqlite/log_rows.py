"""Rows of the log, and the facts that wait beside it."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

import orjson
import zstandard

from eventmanager.blocks import Block
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.portions import PortionedFacts, decode_facts, encode_facts
from eventmanager.store.sqlite.table_facts import TableFacts
from eventmanager.store.sqlite.tables import ALL_TABLES, TABLES_BY_NAME, Table
from eventmanager.store.sqlite.unsettled import Unsettled


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
    connection: sqlite3.Connection,
    first_id: int,
    facts: Mapping[Table, PortionedFacts | TableFacts],
    compressor: zstandard.ZstdCompressor,
) -> None:
    """Keep facts until they go to their tables, a row for each, numbered from `first_id`."""
    values: list[Any] = []
    for row_id, (table, of_table) in enumerate(facts.items(), first_id):
        values += (row_id, table.value, compressor.compress(encode_facts(of_table)))
    write_rows(connection, "INSERT INTO unsettled_facts (id, table_name, facts)", 3, values)


def read_facts(connection: sqlite3.Connection) -> tuple[Mapping[Table, Unsettled], int]:
    """Read all facts that wait; return them with a number after those of all rows that ever kept some."""
    settled: dict[Table, dict[int, int]] = {table: {} for table in ALL_TABLES}
    last_id = 0
    for name, place, row_id in connection.execute("SELECT table_name, portion, facts_id FROM settled_portions"):
        settled[TABLES_BY_NAME[name]][place] = row_id
        last_id = max(last_id, row_id)
    unsettled = {table: Unsettled(table, settled[table]) for table in ALL_TABLES}
    rows = connection.execute("SELECT id, table_name, facts FROM unsettled_facts ORDER BY id").fetchall()
    for row_id, name, compressed in rows:
        table = TABLES_BY_NAME[name]
        unsettled[table].add(row_id, decode_facts(table, compressed))
        unsettled[table].note_days(None)
        last_id = max(last_id, row_id)
    return unsettled, last_id + 1


def note_settled(connection: sqlite3.Connection, table: Table, places: Collection[int], last_id: int) -> None:
    """Have it known that the facts of some portions are settled up to a row."""
    values = [value for place in places for value in (table.value, place, last_id)]
    write_rows(connection, "INSERT OR REPLACE INTO settled_portions (table_name, portion, facts_id)", 3, values)


def delete_facts(connection: sqlite3.Connection, row_ids: Sequence[int]) -> None:
    """Let go of facts kept."""
    connection.execute(
        "DELETE FROM unsettled_facts WHERE id IN (SELECT value FROM json_each(?))", (orjson.dumps(row_ids).decode(),)
    )
