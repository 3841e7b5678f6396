"""Many rows in few calls.

Each step of a statement lets go of the interpreter's lock, and while other threads are busy it takes up to 5 ms to get
it back. So many rows are written by one statement, and read as one row that holds them all as JSON.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

_SIZES: Final = (1_024, 512, 256, 128, 64)
"""So many rows go in one statement as long as there are as many, and then all the rest in one more. To read a statement
takes SQLite as long as to run it, and one with the text of an earlier one is kept, in some 400 bytes a row.
"""
_MOST_VARIABLES: Final = 32_766
"""Most values that SQLite takes for one statement, unless it is built otherwise."""


def value_rows(columns: int, values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Split values, row after row, into portions for one statement each; yield what goes after VALUES with them."""
    row = f"({','.join('?' * columns)}),"
    start = 0
    for size in _SIZES:
        step = size * columns
        while len(values) - start >= step and step <= _MOST_VARIABLES:
            yield (row * size)[:-1], values[start : start + step]
            start += step
    if start < len(values):
        yield (row * ((len(values) - start) // columns))[:-1], values[start:]


def write_rows(connection: sqlite3.Connection, head: str, columns: int, values: Sequence[Any]) -> None:
    """Run a statement such as `INSERT INTO table`, up to its VALUES, with the values of many rows, row after row."""
    for rows, portion in value_rows(columns, values):
        connection.execute(f"{head} VALUES {rows}", portion)


def read_json(connection: sqlite3.Connection, query: str, values: Sequence[Any] = ()) -> Any:
    """Run a query that returns one JSON text, and decode it."""
    cursor = connection.execute(query, values)
    try:
        return orjson.loads(cursor.fetchone()[0])
    finally:
        cursor.close()


def as_json(expressions: str, rows: str) -> str:
    """Return a query of one row: a JSON array of arrays, each of some expressions, for the rows of a query in order."""
    return f"SELECT json_group_array(json_array({expressions})) FROM ({rows})"
