"""Recounts, and the marks that tell whether they still hold."""

import datetime
import sqlite3
from collections.abc import Mapping, Sequence

from eventmanager.blocks import Day
from eventmanager.store.protocol import Recount
from eventmanager.store.sqlite.many_rows import read_json, value_rows
from eventmanager.store.sqlite.tables import DAY


def read_marks(
    connection: sqlite3.Connection, app: str, dates: Sequence[datetime.date]
) -> Mapping[datetime.date, bytes]:
    """Read marks as `LoggedDays.marks` does.

    The count of a day's acknowledged blocks only grows, and a day that was dropped has another number when it is back.
    """
    marks: dict[datetime.date, bytes] = {}
    for rows, values in value_rows(1, [date.isoformat() for date in dates]):
        found = read_json(
            connection,
            f"WITH wanted (date) AS (VALUES {rows}) SELECT json_group_array(json_array(date, id, blocks)) "
            "FROM wanted CROSS JOIN days USING (date) WHERE app = ?",
            (*values, app),
        )
        marks.update((datetime.date.fromisoformat(date), b"%d/%d" % (day, blocks)) for date, day, blocks in found)
    return marks


def read_recounts(
    connection: sqlite3.Connection, app: str, report: str, dates: Sequence[datetime.date]
) -> Mapping[datetime.date, Recount]:
    """Read recounts as `Store.read_recounts` does."""
    query = f"SELECT marks, figures FROM recounts WHERE day = {DAY} AND report = ?"
    recounts = {}
    for date in dates:
        found = connection.execute(query, (app, date.isoformat(), report)).fetchone()
        if found is not None:
            recounts[date] = Recount(report, *found)
    return recounts


def write_recounts(connection: sqlite3.Connection, day: Day, recounts: Sequence[Recount]) -> None:
    """Keep recounts of a day, unless it has been dropped meanwhile."""
    for recount in recounts:
        connection.execute(
            "INSERT OR REPLACE INTO recounts (day, report, marks, figures) "
            "SELECT id, ?, ?, ? FROM days WHERE app = ? AND date = ?",
            (recount.report, recount.marks, recount.figures, day.app, day.date.isoformat()),
        )
