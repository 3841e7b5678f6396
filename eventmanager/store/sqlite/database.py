"""A database: its file, the lock that keeps other servers off it, and connections to it."""

import sqlite3
from pathlib import Path
from typing import Final, Self

from filelock import FileLock, Timeout

from eventmanager.errors import StartError

_MEMORY: Final = ":memory:"
_LOCK_WAIT_S: Final = 1.0
"""How long to wait where another program, such as `sqlite3`, has the database locked."""
_CACHED_STATEMENTS: Final = 256  # Some have a thousand rows and half a megabyte; most have few.
_WRITER_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -65536",  # 64 MiB, for the pages of sets, which are changed all over.
    "PRAGMA wal_autocheckpoint = 4096",  # 16 MiB: a page changed by many commits is copied once.
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA secure_delete = FAST",  # Some builds overwrite all that is deleted, which doubles what is written.
)
_READER_PRAGMAS: Final = (
    "PRAGMA query_only = ON",
    "PRAGMA cache_size = -16384",  # 16 MiB
    "PRAGMA user_version",  # Reads, so that a connection has all it needs.
)


class Database:
    """A database that no other server uses, until it is closed."""

    def __init__(self, path: Path | None, lock: FileLock | None) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def take(cls, path: Path | None) -> Self:
        """Lock a file, or take memory for None. Raises StartError where the file cannot be had."""
        if path is None:
            return cls(None, None)
        path = path.absolute()
        if path.exists() and not path.is_file():
            raise StartError(f"Cannot store in {path}: it is not a file. Name one.")
        if not path.parent.is_dir():
            raise StartError(f"Cannot store in {path}: there is no folder {path.parent}. Make it, or name another.")
        # By its real name: it may be known by several.
        real = path.resolve()
        lock = FileLock(f"{real}.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise StartError(
                f"Cannot store in {path}: another server does. Stop it first, or name another file."
            ) from None
        except OSError as error:
            raise StartError(f"Cannot store in {path}: cannot write {real}.lock ({error.strerror}).") from None
        return cls(path, lock)

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return str(self.path or _MEMORY)

    def connect(self) -> sqlite3.Connection:
        """Connect, and change nothing. Raises sqlite3.Error."""
        return _connect(str(self.path or _MEMORY), (), is_uri=False)

    def connect_writer(self) -> sqlite3.Connection:
        """Connect, making the file where it is missing. Raises sqlite3.Error."""
        connection = _connect(str(self.path or _MEMORY), _WRITER_PRAGMAS, is_uri=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            # A copy in another mode, such as VACUUM INTO makes, can be read as it is.
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY:
                connection.close()
                raise
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """Connect to a file, to read only. Raises sqlite3.Error."""
        if self.path is None:
            raise AssertionError("only its one connection reads a database in memory")
        return _connect(f"{self.path.as_uri()}?mode=ro", _READER_PRAGMAS, is_uri=True)

    def close(self) -> None:
        """Let other servers have it."""
        if self._lock is not None:
            self._lock.release()


def _connect(name: str, pragmas: tuple[str, ...], *, is_uri: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name,
        timeout=_LOCK_WAIT_S,
        isolation_level=None,  # We say where transactions begin and end.
        check_same_thread=False,  # One thread at a time uses it, though not always the same.
        cached_statements=_CACHED_STATEMENTS,
        uri=is_uri,
    )
    try:
        for pragma in pragmas:
            connection.execute(pragma).close()
    except BaseException:
        connection.close()
        raise
    return connection
