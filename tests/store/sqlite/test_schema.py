"""The schema's steps and their snapshot."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventmanager.store.sqlite.schema import APPLICATION_ID, read_steps, read_version, upgrade

SCHEMA = Path(__file__).parents[3] / "eventmanager" / "store" / "schema" / "sqlite"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A database with nothing in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def schema_of(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    """Return everything that makes a schema."""
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def test_the_steps_give_the_snapshot(connection: sqlite3.Connection) -> None:
    """Who reads the snapshot reads what databases are."""
    upgrade(connection, read_steps())
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as other:
        other.executescript((SCHEMA / "snapshot.sql").read_text(encoding="utf-8"))
        of_snapshot = schema_of(other)
        [application_id] = other.execute("PRAGMA application_id").fetchone()

    assert schema_of(connection) == of_snapshot
    assert (APPLICATION_ID, APPLICATION_ID) == (
        application_id,
        connection.execute("PRAGMA application_id").fetchone()[0],
    )


def test_steps_are_numbered_without_gaps() -> None:
    """The number in a file's name is the version it leads to."""
    names = sorted(path.name for path in SCHEMA.iterdir() if path.name != "snapshot.sql")

    assert list(range(1, len(names) + 1)) == [int(name.partition("-")[0]) for name in names]
    assert [(SCHEMA / name).read_text(encoding="utf-8") for name in names] == list(read_steps())


def test_an_older_database_takes_the_steps_it_has_not_had(connection: sqlite3.Connection) -> None:
    """Each once, with what it holds."""
    first = ["CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES ('kept');"]
    upgrade(connection, first)
    more = [*first, "ALTER TABLE notes ADD COLUMN author TEXT;", "CREATE TABLE authors (name TEXT);"]
    for _ in range(2):
        upgrade(connection, more)

    assert 3 == read_version(connection)
    assert [("kept", None)] == connection.execute("SELECT * FROM notes").fetchall()


def test_a_step_that_fails_is_not_taken_by_half(connection: sqlite3.Connection) -> None:
    """Steps before it stay, and it can be taken again."""
    steps = ["CREATE TABLE notes (note TEXT);", "INSERT INTO notes VALUES ('half'); INSERT INTO missing VALUES (1);"]
    with pytest.raises(sqlite3.OperationalError, match="missing"):
        upgrade(connection, steps)
    connection.rollback()
    version, notes = read_version(connection), connection.execute("SELECT * FROM notes").fetchall()
    upgrade(connection, [steps[0], "INSERT INTO notes VALUES ('whole');"])

    assert (1, []) == (version, notes)
    assert [("whole",)] == connection.execute("SELECT * FROM notes").fetchall()
