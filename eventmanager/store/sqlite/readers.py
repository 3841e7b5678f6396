"""Reading beside the writer: a few threads, and a connection for each that is at work."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from eventmanager.store.sqlite.failures import store_failures

MOST_READERS: Final = 4

_T = TypeVar("_T")


class Readers:
    """Reads a file on threads of its own. Raises sqlite3.Error where a first connection cannot be had."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        # SQLite removes the files beside the database with the last connection to it, and makes them with the first.
        # One is always there, so that a disk that is full can be read when the writer connects again.
        self._lasting = connect()
        self._threads = ThreadPoolExecutor(MOST_READERS, "sqlite-reader")
        self._idle: deque[sqlite3.Connection] = deque()

    async def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read. Raises StoreUnavailableError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, read)

    def close(self) -> None:
        """Wait for what is under way, and let go of all connections."""
        self._threads.shutdown()
        for connection in (*self._idle, self._lasting):
            connection.close()

    def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        with store_failures():
            connection = self._take()
            try:
                answer = read(connection)
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
            return answer

    def _take(self) -> sqlite3.Connection:
        with suppress(IndexError):
            return self._idle.pop()
        return self._connect()
