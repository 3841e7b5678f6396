"""Days as numbers: what rows name them by."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from eventmanager.blocks import Day
from eventmanager.store.sqlite.many_rows import read_json, value_rows, write_rows

_MOST_KNOWN: Final = 100_000


class DayNumbers:
    """The numbers of days lately used. What is true of one transaction is remembered only once it is committed."""

    def __init__(self) -> None:
        self._known: dict[Day, int] = {}

    def look_up(self, connection: sqlite3.Connection, days: Collection[Day]) -> Mapping[Day, int]:
        """Return the numbers of days, which are made where they are missing."""
        known = self._known
        missing = [day for day in days if day not in known]
        found = {day: known[day] for day in days if day in known}
        if missing:
            names: list[Any] = [text for day in missing for text in (day.app, day.date.isoformat())]
            rows: list[Any] = [value for day in missing for value in (day.app, day.date.isoformat(), 0)]
            write_rows(connection, "INSERT OR IGNORE INTO days (app, date, blocks)", 3, rows)
            numbers = {(app, date): number for number, app, date in _numbers(connection, names)}
            found.update((day, numbers[day.app, day.date.isoformat()]) for day in missing)
        return found

    def keep(self, numbers: Mapping[Day, int]) -> None:
        """Remember numbers that are committed."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update(numbers)

    def forget(self) -> None:
        """Remember nothing."""
        self._known.clear()


def raise_blocks(connection: sqlite3.Connection, blocks: Mapping[int, int]) -> None:
    """Raise the counts of acknowledged blocks, by the days' numbers."""
    for rows, values in value_rows(2, [value for pair in blocks.items() for value in pair]):
        connection.execute(
            f"WITH more (day, blocks) AS (VALUES {rows}) "
            "UPDATE days SET blocks = blocks + (SELECT more.blocks FROM more WHERE more.day = days.id) "
            "WHERE id IN (SELECT day FROM more)",
            values,
        )


def _numbers(connection: sqlite3.Connection, names: Sequence[str]) -> list[tuple[int, str, str]]:
    found = []
    for rows, values in value_rows(2, names):
        found += read_json(
            connection,
            f"WITH wanted (app, date) AS (VALUES {rows}) "
            "SELECT json_group_array(json_array(id, app, date)) FROM wanted CROSS JOIN days USING (app, date)",
            values,
        )
    return found
