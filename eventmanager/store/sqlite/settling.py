"""Puts facts into their tables: members as new rows where they are not known, totals by adding to the rows there."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from eventmanager.facts import Addition, Key, SetTable, Totals, TotalsTable
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.numbered_facts import NumberedAddition, NumberedFacts
from eventmanager.store.sqlite.tables import SET_COLUMNS, TOTALS_COLUMNS
from eventmanager.store.sqlite.totals_cache import TotalsCache


def settle_facts(connection: sqlite3.Connection, facts: Sequence[NumberedFacts], cache: TotalsCache) -> None:
    """Put the facts of some commits into the tables. `cache` knows of rows as they will be when this is committed."""
    members: defaultdict[tuple[str, int], set[Key]] = defaultdict(set)
    for table, partition, rows in chain.from_iterable(one.members for one in facts):
        members[table, partition].update(rows)
    for (table, partition), distinct in members.items():
        _add_members(connection, SetTable(table), partition, distinct)
    totals: defaultdict[tuple[str, int], list[Sequence[NumberedAddition]]] = defaultdict(list)
    for table, day, additions in chain.from_iterable(one.totals for one in facts):
        totals[table, day].append(additions)
    for (table, day), of_commits in totals.items():
        _add_totals(connection, TotalsTable(table), day, of_commits, cache)
    cache.trim()


def _add_members(connection: sqlite3.Connection, table: SetTable, partition: int, rows: Iterable[Key]) -> None:
    columns = SET_COLUMNS[table]
    values: list[Any] = []
    for row in rows:
        values.append(partition)
        values += row
    head = f"INSERT OR IGNORE INTO {table.value} (partition, {', '.join(columns)})"
    write_rows(connection, head, len(columns) + 1, values)


def _add_totals(
    connection: sqlite3.Connection,
    table: TotalsTable,
    day: int,
    of_commits: Iterable[Iterable[NumberedAddition]],
    cache: TotalsCache,
) -> None:
    columns = TOTALS_COLUMNS[table]
    additions: defaultdict[Key, list[Addition]] = defaultdict(list)
    for key, counts, elapsed_ms in chain.from_iterable(of_commits):
        additions[key].append(Addition(counts, elapsed_ms))
    _load(connection, table, day, [key for key in additions if (table.value, day, key) not in cache], cache)
    values: list[Any] = []
    for key, to_add in additions.items():
        name = (table.value, day, key)
        totals = cache.use(name)
        if totals is None:
            totals = Totals.of(to_add.pop())
            cache.put(name, totals)
        for addition in to_add:
            totals.add(addition)
        columns.append_values(values, day, key, totals)
    head = f"INSERT OR REPLACE INTO {table.value} ({', '.join(columns.written)})"
    write_rows(connection, head, len(columns.written), values)


def _load(
    connection: sqlite3.Connection, table: TotalsTable, day: int, keys: Sequence[Key], cache: TotalsCache
) -> None:
    """Cache those of some rows that there are."""
    columns = TOTALS_COLUMNS[table]
    names = ", ".join(columns.key)
    for wanted, values in value_rows(len(columns.key), [part for key in keys for part in key]):
        rows = read_json(
            connection,
            f"WITH wanted ({names}) AS (VALUES {wanted}) SELECT json_group_array(json_array({columns.read})) "
            f"FROM wanted CROSS JOIN {table.value} USING ({names}) WHERE day = {day}",
            values,
        )
        for row in map(columns.row_of, rows):
            cache.put((table.value, day, row.key), row.decode())
