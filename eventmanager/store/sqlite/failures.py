"""What SQLite's failures mean: one table, used by one context manager."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from eventmanager.errors import StoreUnavailableError

_CAUSES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the database file is read-only",
    sqlite3.SQLITE_IOERR: "the disk does not read or write as it should, or is full",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_PERM: "the database file may not be used",
    sqlite3.SQLITE_BUSY: "another program keeps the database locked",
    sqlite3.SQLITE_LOCKED: "another program keeps the database locked",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database, or is damaged",
}
# Their subclasses tell of mistakes in the code, which are no reason to try again.
_FAILURES: Final = (sqlite3.OperationalError, sqlite3.DatabaseError)


def cause_of(error: sqlite3.Error) -> str:
    """Say what is wrong, for an operator."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # The module's own words, not SQLite's.
        return str(error)
    cause = _CAUSES.get(code & 0xFF)  # The lowest byte is the kind of failure, the others tell more of it.
    return f"{cause} ({error.sqlite_errorname}: {error})" if cause else f"{error.sqlite_errorname}: {error}"


@contextmanager
def store_failures() -> Iterator[None]:
    """Raise StoreUnavailableError for what SQLite could not do, and leave mistakes as they are."""
    try:
        yield
    except sqlite3.Error as error:
        if type(error) not in _FAILURES:
            raise
        raise StoreUnavailableError(cause_of(error)) from error
