"""Puts facts into their table: members as new rows where they are not known, totals by adding to the rows there."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from eventmanager.facts import Addition, Key, SetTable, Totals, TotalsTable
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows
from eventmanager.store.sqlite.portions import values_of
from eventmanager.store.sqlite.tables import SET_COLUMNS, TOTALS_COLUMNS, Table
from eventmanager.store.sqlite.totals_cache import TotalsCache


def settle_facts(connection: sqlite3.Connection, table: Table, pieces: Iterable[bytes], cache: TotalsCache) -> None:
    """Put facts into a table, as in Piece. `cache` then knows rows as they are when this is committed."""
    if isinstance(table, SetTable):
        columns = ("partition", *SET_COLUMNS[table])
        head = f"INSERT OR IGNORE INTO {table.value} ({', '.join(columns)})"
        write_rows(connection, head, len(columns), values_of(pieces))
        return
    by_day: defaultdict[int, defaultdict[Key, list[Addition]]] = defaultdict(lambda: defaultdict(list))
    for day, key, counts, elapsed_ms in values_of(pieces):
        by_day[day][tuple(key)].append(Addition(counts, elapsed_ms))
    for day, by_key in by_day.items():
        _add_totals(connection, table, day, by_key, cache)
    cache.trim()


def _add_totals(
    connection: sqlite3.Connection,
    table: TotalsTable,
    day: int,
    additions: Mapping[Key, Sequence[Addition]],
    cache: TotalsCache,
) -> None:
    columns = TOTALS_COLUMNS[table]
    name = table.value
    _load(connection, table, day, [key for key in additions if (name, day, key) not in cache], cache)
    values: list[Any] = []
    for key, of_commits in additions.items():
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
