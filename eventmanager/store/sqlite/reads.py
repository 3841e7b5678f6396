"""What is read: each function answers from one connection with one query, hence from one state of the database."""

import datetime
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from eventmanager.blocks import Day, Partition, StoredBlock
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.store.protocol import Members
from eventmanager.store.sqlite.many_rows import as_json, read_json
from eventmanager.store.sqlite.tables import DAY, PARTITION, SET_COLUMNS, TOTALS_COLUMNS, partition_values

ROWS_A_PAGE: Final = 5_000
MEMBERS_A_PAGE: Final = 20_000
_BLOCK_ID_BYTES: Final = 16
_USER: Final = "user"


def log_page(connection: sqlite3.Connection, partition: Partition, after: bytes, limit: int) -> Sequence[StoredBlock]:
    """Read blocks by id, those after an id (the empty one comes before all), at most so many."""
    # One row of long values, as with JSON, which has no bytes. To put them together SQLite takes them for texts, which
    # changes none of them.
    rows = f"SELECT block, payload FROM events WHERE partition = {PARTITION} AND block > ? ORDER BY block LIMIT ?"
    sizes, block_ids, payloads = connection.execute(
        "SELECT json_group_array(length(payload)), CAST(group_concat(block, '') AS BLOB), "
        f"CAST(group_concat(payload, '') AS BLOB) FROM ({rows})",
        (*partition_values(partition), after, limit),
    ).fetchone()
    blocks = []
    start = 0
    for number, size in enumerate(orjson.loads(sizes)):
        block_id = block_ids[number * _BLOCK_ID_BYTES : (number + 1) * _BLOCK_ID_BYTES]
        blocks.append(StoredBlock(block_id, payloads[start : start + size]))
        start += size
    return blocks


def members_page(
    connection: sqlite3.Connection, table: SetTable, partition: Partition, after: Key | None
) -> tuple[Sequence[Members], Key | None]:
    """Read the visitors of MEMBERS_A_PAGE set rows, those after a key (None comes before all); return them with the
    last row's key, None where there are no more.
    """
    columns = SET_COLUMNS[table]
    names = ", ".join(columns)
    others = ", ".join(name for name in columns if name != _USER)
    places = ", ".join("?" * len(columns))
    where = f"partition = {PARTITION}" + (f" AND ({names}) > ({places})" if after is not None else "")
    values = [*partition_values(partition), *(after or ())]
    # Rows that come between the two statements make the page larger, and none is missed.
    last: Key | None = connection.execute(
        f"SELECT {names} FROM {table.value} WHERE {where} ORDER BY {names} LIMIT 1 OFFSET {MEMBERS_A_PAGE - 1}", values
    ).fetchone()
    if last is not None:
        where += f" AND ({names}) <= ({places})"
        values += last
    groups = (
        f"SELECT json_array({others}) AS columns, json_group_array({_USER}) AS users "
        f"FROM {table.value} WHERE {where} GROUP BY {others}"
    )
    page = read_json(
        connection,
        f"SELECT '[' || coalesce(group_concat('[' || columns || ',' || users || ']'), '') || ']' FROM ({groups})",
        values,
    )
    return [Members(tuple(one), device_ids) for one, device_ids in page], last


def totals_page(connection: sqlite3.Connection, table: TotalsTable, day: Day, after: Key | None) -> Sequence[TotalsRow]:
    """Read rows of totals by key, those after a key (None comes before all), at most ROWS_A_PAGE."""
    columns = TOTALS_COLUMNS[table]
    names = ", ".join(columns.key)
    rows = _page_query(table.value, names, len(columns.key), f"day = {DAY}", after)
    values = (day.app, day.date.isoformat(), *(after or ()))
    return [columns.row_of(row) for row in read_json(connection, as_json(columns.read, rows), values)]


def member_counts(connection: sqlite3.Connection, table: SetTable, partition: Partition) -> Mapping[Key, int]:
    """Count as `Store.member_counts` does."""
    values = partition_values(partition)
    if table is SetTable.USERS_BY_PLATFORM:
        distinct = f"SELECT DISTINCT user FROM {table.value} WHERE partition = {PARTITION}"
        [visitors] = connection.execute(f"SELECT count(*) FROM ({distinct})", values).fetchone()
        return {(): visitors} if visitors else {}
    names = ", ".join(name for name in SET_COLUMNS[table] if name != _USER)
    counts = f"SELECT {names}, count(*) AS visitors FROM {table.value} WHERE partition = {PARTITION} GROUP BY {names}"
    rows = read_json(connection, as_json(f"{names}, visitors", counts), values)
    return {tuple(key): visitors for *key, visitors in rows}


def has_visitor(connection: sqlite3.Connection, partition: Partition, device_id: str) -> bool:
    """Tell as `Store.has_visitor` does."""
    query = f"SELECT EXISTS (SELECT 1 FROM users_by_platform WHERE partition = {PARTITION} AND user = ?)"
    [found] = connection.execute(query, (*partition_values(partition), device_id)).fetchone()
    return bool(found)


def dates(
    connection: sqlite3.Connection, app: str, first: datetime.date, last: datetime.date
) -> Sequence[datetime.date]:
    """List dates as `Store.dates` does."""
    rows = "SELECT date FROM days WHERE app = ? AND date BETWEEN ? AND ? ORDER BY date"
    found = read_json(connection, as_json("date", rows), (app, first.isoformat(), last.isoformat()))
    return [datetime.date.fromisoformat(date) for [date] in found]


def _page_query(table: str, names: str, columns: int, where: str, after: Key | None) -> str:
    beyond = f" AND ({names}) > ({', '.join('?' * columns)})" if after is not None else ""
    return f"SELECT * FROM {table} WHERE {where}{beyond} ORDER BY {names} LIMIT {ROWS_A_PAGE}"
