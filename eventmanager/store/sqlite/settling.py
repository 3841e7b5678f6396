"""Puts facts into their table: members as new rows where they are not known, totals by adding to the rows there."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from eventmanager.facts import Addition, Key, SetTable, Totals, TotalsTable
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.tables import SET_COLUMNS, TOTALS_COLUMNS, Table
from eventmanager.store.sqlite.totals_cache import TotalsCache


def settle_facts(
    connection: sqlite3.Connection, table: Table, facts: Iterable[tuple[int, Sequence[Any]]], cache: TotalsCache
) -> None:
    """Put facts into a table, as in TableFacts. `cache` then knows rows as they are when this is committed."""
    rows: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    for number, of_number in facts:
        rows[number].append(of_number)
    for number, of_commits in rows.items():
        if isinstance(table, SetTable):
            _add_members(connection, table, number, set(chain.from_iterable(of_commits)))
        else:
            _add_totals(connection, table, number, chain.from_iterable(of_commits), cache)
    cache.trim()


def _add_members(connection: sqlite3.Connection, table: SetTable, partition: int, keys: Collection[Key]) -> None:
    columns = SET_COLUMNS[table]
    values: list[Any] = []
    for key in keys:
        values.append(partition)
        values += key
    head = f"INSERT OR IGNORE INTO {table.value} (partition, {', '.join(columns)})"
    write_rows(connection, head, len(columns) + 1, values)


def _add_totals(
    connection: sqlite3.Connection,
    table: TotalsTable,
    day: int,
    additions: Iterable[tuple[Key, tuple[int, ...], tuple[Sequence[int], ...]]],
    cache: TotalsCache,
) -> None:
    columns = TOTALS_COLUMNS[table]
    name = table.value
    by_key: dict[Key, list[Addition]] = {}
    for key, counts, elapsed_ms in additions:
        addition = Addition(counts, elapsed_ms)
        known = by_key.get(key)
        if known is None:
            by_key[key] = [addition]
        else:
            known.append(addition)
    _load(connection, table, day, [key for key in by_key if (name, day, key) not in cache], cache)
    values: list[Any] = []
    for key, of_commits in by_key.items():
        addition = of_commits[0] if len(of_commits) == 1 else _sum(of_commits)
        row = (name, day, key)
        totals = cache.use(row)
        if totals is None:
            totals = Totals.of(addition)
            cache.put(row, totals)
        else:
            totals.add(addition)
        columns.append_values(values, day, key, totals)
    head = f"INSERT OR REPLACE INTO {name} ({', '.join(columns.written)})"
    write_rows(connection, head, len(columns.written), values)


def _sum(additions: Sequence[Addition]) -> Addition:
    all_counts, all_elapsed_ms = zip(*additions, strict=True)
    return Addition(
        tuple(map(sum, zip(*all_counts, strict=True))),
        tuple(list(chain.from_iterable(elapsed_ms)) for elapsed_ms in zip(*all_elapsed_ms, strict=True)),
    )


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
