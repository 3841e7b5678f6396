"""Days that go: at once from sight, and their rows a few at a time, so that ingest does not wait for long."""

import sqlite3
from typing import Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.tables import DAY, SET_COLUMNS, SHARDS_A_DAY, TOTALS_COLUMNS

_ROWS_AT_ONCE: Final = 2_000
_BLOCKS_AT_ONCE: Final = 100
"""Blocks are some 50 KB each."""
_RECOUNTS_AT_ONCE: Final = 4
"""A recount's figures may take megabytes."""


def _removal(table: str, columns: tuple[str, ...], where: str, rows: int) -> str:
    names = ", ".join(columns)
    return f"DELETE FROM {table} WHERE ({names}) IN (SELECT {names} FROM {table} WHERE {where} LIMIT {rows})"


_OF_DAY: Final = "day = :day"
_OF_PARTITIONS: Final = f"partition BETWEEN :day * {SHARDS_A_DAY} AND :day * {SHARDS_A_DAY} + {SHARDS_A_DAY - 1}"
_REMOVALS: Final = (
    _removal("events", ("partition", "block"), _OF_PARTITIONS, _BLOCKS_AT_ONCE),
    *(
        _removal(table.value, ("partition", *columns), _OF_PARTITIONS, _ROWS_AT_ONCE)
        for table, columns in SET_COLUMNS.items()
    ),
    _removal("recounts", ("day", "report"), _OF_DAY, _RECOUNTS_AT_ONCE),
    *(
        _removal(table.value, ("day", *columns.key), _OF_DAY, _ROWS_AT_ONCE)
        for table, columns in TOTALS_COLUMNS.items()
    ),
)


def forget_day(connection: sqlite3.Connection, day: Day) -> None:
    """Take a day from the list of days; nothing finds its rows then."""
    values = (day.app, day.date.isoformat())
    connection.execute(f"INSERT INTO dropped_days SELECT id FROM days WHERE id = {DAY}", values)
    connection.execute("DELETE FROM days WHERE app = ? AND date = ?", values)


def remove_some_rows(connection: sqlite3.Connection) -> bool:
    """Remove some rows of one day forgotten, and return whether there was such a day."""
    found = connection.execute("SELECT min(id) FROM dropped_days").fetchone()
    [day] = found
    if day is None:
        return False
    for removal in _REMOVALS:
        if connection.execute(removal, {"day": day}).rowcount:
            return True
    connection.execute("DELETE FROM dropped_days WHERE id = ?", (day,))
    return True
