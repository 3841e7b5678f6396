"""Apps' settings."""

import sqlite3
from collections.abc import Sequence

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.store.sqlite.many_rows import as_json, read_json


def read_app(connection: sqlite3.Connection, app: str) -> AppSettings | None:
    """Return an app's settings, or None where there is no such app."""
    found = connection.execute("SELECT settings FROM apps WHERE app = ?", (app,)).fetchone()
    return AppSettings.FromString(found[0]) if found else None


def list_apps(connection: sqlite3.Connection, after: str, limit: int) -> Sequence[AppSettings]:
    """List apps by id, those after an id, at most so many."""
    rows = "SELECT settings FROM apps WHERE app > ? ORDER BY app LIMIT ?"
    found = read_json(connection, as_json("hex(settings)", rows), (after, limit))
    return [AppSettings.FromString(bytes.fromhex(settings)) for [settings] in found]


def create_app(connection: sqlite3.Connection, settings: AppSettings) -> bool:
    """Keep a new app's settings, and return False where its id is taken."""
    values = (settings.app.app, settings.version, settings.SerializeToString())
    return connection.execute("INSERT OR IGNORE INTO apps VALUES (?, ?, ?)", values).rowcount == 1


def replace_app(connection: sqlite3.Connection, settings: AppSettings, version: int) -> bool:
    """Replace an app's settings, and return False where those kept have another version than this."""
    values = (settings.version, settings.SerializeToString(), settings.app.app, version)
    query = "UPDATE apps SET version = ?, settings = ? WHERE app = ? AND version = ?"
    return connection.execute(query, values).rowcount == 1
