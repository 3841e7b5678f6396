"""Days that go: at once from sight, and their rows a few at a time, so that ingest does not wait for long."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.tables import DAY, SET_COLUMNS, SHARDS_A_DAY, TOTALS_COLUMNS, Table

_ROWS_AT_ONCE: Final = 2_000
_BLOCKS_AT_ONCE: Final = 100
"""Blocks are some 50 KB each."""
_RECOUNTS_AT_ONCE: Final = 4
"""A recount's figures may take megabytes."""


def forget_day(connection: sqlite3.Connection, day: Day) -> None:
    """Take a day from the list of days; nothing finds its rows then."""
    values = (day.app, day.date.isoformat())
    connection.execute(f"INSERT INTO dropped_days SELECT {DAY} WHERE {DAY} IS NOT NULL", (*values, *values))
    connection.execute("DELETE FROM days WHERE app = ? AND date = ?", values)


def remove_some_rows(connection: sqlite3.Connection) -> bool:
    """Remove some rows of one day forgotten, and return whether there was such a day."""
    [day] = connection.execute("SELECT min(id) FROM dropped_days").fetchone()
    if day is None:
        return False
    first, last = day * SHARDS_A_DAY, day * SHARDS_A_DAY + SHARDS_A_DAY - 1
    if _remove_blocks(connection, first, last):
        return True
    for table, columns in SET_COLUMNS.items():
        if _remove_rows(connection, table, ("partition", *columns), first, last):
            return True
    for totals_table, totals_columns in TOTALS_COLUMNS.items():
        if _remove_rows(connection, totals_table, ("day", *totals_columns.key), day, day):
            return True
    some_recounts = "SELECT report FROM recounts WHERE day = ? LIMIT ?"
    values = (day, day, _RECOUNTS_AT_ONCE)
    if connection.execute(f"DELETE FROM recounts WHERE day = ? AND report IN ({some_recounts})", values).rowcount:
        return True
    connection.execute("DELETE FROM dropped_days WHERE id = ?", (day,))
    return True


def _remove_blocks(connection: sqlite3.Connection, first: int, last: int) -> int:
    """Remove some blocks of partitions from first to last, and return how many."""
    some = "SELECT id FROM events WHERE partition BETWEEN ? AND ? LIMIT ?"
    return connection.execute(f"DELETE FROM events WHERE id IN ({some})", (first, last, _BLOCKS_AT_ONCE)).rowcount


def _remove_rows(connection: sqlite3.Connection, table: Table, key: Sequence[str], first: int, last: int) -> int:
    """Remove some rows whose first column is from first to last, and return how many."""
    names = ", ".join(key)
    end = connection.execute(
        f"SELECT {names} FROM {table.value} WHERE {key[0]} BETWEEN ? AND ? ORDER BY {names} LIMIT 1 OFFSET ?",
        (first, last, _ROWS_AT_ONCE),
    ).fetchone()
    if end is None:
        rest = f"DELETE FROM {table.value} WHERE {key[0]} BETWEEN ? AND ?"
        return connection.execute(rest, (first, last)).rowcount
    before = f"DELETE FROM {table.value} WHERE {key[0]} >= ? AND ({names}) < ({', '.join('?' * len(key))})"
    return connection.execute(before, (first, *end)).rowcount
