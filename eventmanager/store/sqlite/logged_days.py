"""Reads the log page by page: inside the server, and for another process that reads the same file."""

import datetime
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

from eventmanager.blocks import Partition, StoredBlock
from eventmanager.store.sqlite import reads, recount_rows
from eventmanager.store.sqlite.database import Database
from eventmanager.store.sqlite.failures import store_failures
from eventmanager.store.sqlite.readers import Readers

_FIRST_BLOCKS: Final = 16
_MOST_BLOCKS: Final = 4_096
_LOG_PAGE_BYTES: Final = 2 << 20

_T = TypeVar("_T")


class Read(Protocol):
    """Has something read from a connection."""

    async def __call__(self, read: Callable[[sqlite3.Connection], _T], /) -> _T:
        """Return what was read. Raises StoreUnavailableError."""
        ...


async def log_pages(read: Read, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
    """Read a partition's log by block ids, some megabytes at a time."""
    after = b""
    limit = _FIRST_BLOCKS
    while page := await read(partial(reads.log_page, partition=partition, after=after, limit=limit)):
        yield page
        after = page[-1].block_id
        page_bytes = sum(len(block.payload) for block in page) + 1
        limit = max(1, min(_MOST_BLOCKS, len(page) * _LOG_PAGE_BYTES // page_bytes))


class SQLiteLoggedDays:
    """LoggedDays of a file that a server has open, read beside it."""

    def __init__(self, path: Path) -> None:
        """Raise StoreUnavailableError where it cannot be read."""
        with store_failures():
            # Without the lock: that is for those who write.
            self._readers = Readers(Database(path.absolute(), None).connect_reader)

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """As in LoggedDays."""
        return await self._readers.read(partial(recount_rows.read_marks, app=app, dates=dates))

    def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """As in LoggedDays: by block ids."""
        return log_pages(self._readers.read, partition)

    async def close(self) -> None:
        """As in LoggedDays."""
        self._readers.close()
