"""The schema: numbered steps, of which the database knows how many it has had."""

import sqlite3
from collections.abc import Sequence
from importlib import resources
from typing import Final

from eventmanager.errors import StartError

APPLICATION_ID: Final = 0x45564D41
"""Tells our databases from those of other programs, in a field of the file made for it. Reads EVMA."""


def read_steps() -> Sequence[str]:
    """Return the SQL of all steps, in order."""
    folder = resources.files("eventmanager.store") / "schema" / "sqlite"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name[0].isdigit())
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def require_ours(connection: sqlite3.Connection, name: str, steps: int) -> None:
    """Raise StartError where a database is another program's, or has had more steps than there are. Changes nothing."""
    [application_id] = connection.execute("PRAGMA application_id").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != APPLICATION_ID and (tables or application_id):
        raise StartError(f"{name} is a database of another program. Name another file, which will be made.")
    version = read_version(connection)
    if version > steps:
        raise StartError(
            f"{name} was written by a newer eventmanager: its schema is number {version}, and this one knows {steps}. "
            "Run the newer one, or name another file."
        )


def upgrade(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Take the steps that a database has not had yet, each in a transaction of its own."""
    version = read_version(connection)
    for number, step in enumerate(steps[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")


def read_version(connection: sqlite3.Connection) -> int:
    """Return how many steps a database has had."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
