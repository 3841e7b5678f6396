"""The embedded store: one writer, readers beside it, and when facts are settled."""

import asyncio
import datetime
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.blocks import Block, Day, Partition, StoredBlock
from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.store.protocol import BlockOutcome, FactsOf, Members, Recount
from eventmanager.store.sqlite import app_rows, reads, recount_rows
from eventmanager.store.sqlite.database import Database
from eventmanager.store.sqlite.failures import cause_of
from eventmanager.store.sqlite.logged_days import Read, log_pages
from eventmanager.store.sqlite.readers import Readers
from eventmanager.store.sqlite.schema import read_steps, require_ours, upgrade
from eventmanager.store.sqlite.tables import ALL_TABLES, Table
from eventmanager.store.sqlite.writer import Writer

SETTLE_AFTER_S: Final = 5.0
"""How long facts wait to be settled where nobody reads."""

_SETTLING_SHARE: Final = 0.5
"""How long settling may take after a commit, of what that took."""
_REST: Final = 2.0
"""How long what need not be settled yet waits between commits, as a multiple of how long it took to settle some."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class _Opened(NamedTuple):
    database: Database
    writer: Writer
    readers: Readers | None
    """None for memory, which only the writer's connection sees."""
    has_facts: bool
    """Whether a server that was killed left facts that wait to be settled."""


class SQLiteStore:
    """A Store on a file, or in memory for trying. Belongs to one event loop."""

    def __init__(self, opened: _Opened, write_thread: ThreadPoolExecutor, settle_after_s: float) -> None:
        self._database, self._writer, self._readers, has_facts = opened
        self._write_thread = write_thread
        self._settle_after_s = settle_after_s
        self._commits = 0
        self._settling: asyncio.TimerHandle | None = None
        self._settling_all: asyncio.Task[None] | None = None
        if has_facts:
            self._settle_later()

    @classmethod
    async def open(cls, path: Path | None, settle_after_s: float = SETTLE_AFTER_S) -> Self:
        """Open a file, which is made where it is missing, or memory for None.

        Facts wait `settle_after_s` seconds to go to their tables, where nobody reads these before. Raises StartError
        where the file cannot be had, with a sentence that says why and what to do.
        """
        write_thread = ThreadPoolExecutor(1, "sqlite-writer")
        try:
            loop = asyncio.get_running_loop()
            opened = await loop.run_in_executor(write_thread, _open, path)
        except BaseException:
            write_thread.shutdown()
            raise
        return cls(opened, write_thread, settle_after_s)

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:  # noqa: ARG002 - looks for all blocks, at no cost.
        """As in Store."""
        begun_s = time.monotonic()
        outcomes = await self._write(self._writer.commit, blocks, facts_of)
        self._commits += 1
        # As long as it has to be to keep up, and no longer: the next commit waits for it.
        most_s = (time.monotonic() - begun_s) * _SETTLING_SHARE
        if self._writer.is_any_full:
            self._write_thread.submit(self._settle_full, most_s).add_done_callback(_log_mistake)
        self._settle_later()
        return outcomes

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """As in Store: by block ids."""
        async for page in log_pages(self._read, partition):
            yield page

    async def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        """As in Store."""
        read = await self._reading(table, partition.day)
        after: Key | None = None
        while True:
            page, after = await read(partial(reads.members_page, table=table, partition=partition, after=after))
            if page:
                yield page
            if after is None:
                return

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """As in Store."""
        read = await self._reading(table, partition.day)
        return await read(partial(reads.member_counts, table=table, partition=partition))

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        """As in Store."""
        read = await self._reading(SetTable.USERS_BY_PLATFORM, partition.day)
        return await read(partial(reads.has_visitor, partition=partition, device_id=device_id))

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """As in Store: each key once."""
        read = await self._reading(table, day)
        rows: list[TotalsRow] = []
        after: Key | None = None
        while page := await read(partial(reads.totals_page, table=table, day=day, after=after)):
            rows += page
            if len(page) < reads.ROWS_A_PAGE:
                break
            after = page[-1].key
        return rows

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """As in Store."""
        return await self._read(partial(reads.dates, app=app, first=first, last=last))

    async def nearby_dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """As in Store: there is nobody else to ask."""
        return await self.dates(app, first, last)

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """As in Store."""
        return await self._read(partial(recount_rows.read_marks, app=app, dates=dates))

    async def read_recounts(
        self, app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, Recount]:
        """As in Store."""
        return await self._read(partial(recount_rows.read_recounts, app=app, report=report, dates=dates))

    async def write_recounts(self, day: Day, recounts: Sequence[Recount], expire_time_s: int) -> None:  # noqa: ARG002 - goes with its day.
        """As in Store."""
        await self._write(self._change, partial(recount_rows.write_recounts, day=day, recounts=recounts))

    async def drop_day(self, day: Day, shard_count: int) -> None:  # noqa: ARG002 - one file holds all shards.
        """As in Store. Where it fails in the middle, the day is gone, and the next call removes what is left of it."""
        await self._write(self._writer.forget_day, day)
        while await self._write(self._writer.remove_some_rows):
            pass

    async def read_app(self, app: str) -> AppSettings | None:
        """As in Store."""
        return await self._read(partial(app_rows.read_app, app=app))

    async def list_apps(self, after: str, limit: int) -> Sequence[AppSettings]:
        """As in Store."""
        return await self._read(partial(app_rows.list_apps, after=after, limit=limit))

    async def create_app(self, settings: AppSettings) -> bool:
        """As in Store."""
        return await self._write(self._change, partial(app_rows.create_app, settings=settings))

    async def replace_app(self, settings: AppSettings, version: int) -> bool:
        """As in Store."""
        return await self._write(self._change, partial(app_rows.replace_app, settings=settings, version=version))

    async def check(self) -> None:
        """As in Store."""
        await self._read(partial(app_rows.list_apps, after="", limit=1))

    async def close(self) -> None:
        """As in Store. Settles, so that the file is complete for whoever reads it then."""
        if self._settling_all is not None:
            await asyncio.wait((self._settling_all,))
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        await self._settle_all()
        if self._readers is not None:
            await asyncio.to_thread(self._readers.close)
        await self._write(self._writer.close)
        self._write_thread.shutdown()
        self._database.close()

    def _settle_later(self) -> None:
        """Settle after a while, once at a time: while there are commits that takes its time."""
        if self._settling is None and self._settling_all is None:
            self._settling = asyncio.get_running_loop().call_later(self._settle_after_s, self._begin_to_settle)

    def _begin_to_settle(self) -> None:
        self._settling = None
        self._settling_all = asyncio.get_running_loop().create_task(self._settle_by_itself())
        self._settling_all.add_done_callback(_log_mistake)

    async def _settle_by_itself(self) -> None:
        commits = self._commits
        try:
            await self._settle_all()
        finally:
            self._settling_all = None
        if self._commits != commits:
            self._settle_later()

    async def _settle_all(self) -> None:
        for table in ALL_TABLES:
            await self._settle_table(table, may_wait=True)

    async def _settle_table(self, table: Table, *, may_wait: bool = False) -> bool:
        """Settle all that waits of a table by now, and return whether that was possible.

        Where it may wait, commits that are made meanwhile have most of the time.
        """
        while True:
            readings = self._writer.readings
            for places in self._writer.waiting(table):  # One by one, so that commits get in between.
                try:
                    await self._settle_portions(table, places, may_wait=may_wait)
                except StoreUnavailableError as error:
                    _log.debug("Facts wait to be settled: %s", error)
                    return False
            if self._writer.readings == readings:
                return True

    async def _settle_portions(self, table: Table, places: Sequence[int], *, may_wait: bool) -> None:
        are_all = False
        while not are_all:
            commits = self._commits
            begun_s = time.monotonic()
            are_all = await self._write(self._writer.settle, table, places)
            if may_wait and self._commits != commits:
                await asyncio.sleep((time.monotonic() - begun_s) * _REST)

    def _settle_full(self, most_s: float) -> None:
        try:
            self._writer.settle_full(most_s)
        except StoreUnavailableError as error:
            _log.debug("Facts wait to be settled: %s", error)

    def _change(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._writer.transaction() as connection:
            return change(connection)

    async def _reading(self, table: Table, day: Day) -> Read:
        """Return what reads a table so that all that is committed now of a day is in it."""
        if self._writer.needs_settling(table, day) and not await self._settle_table(table):
            return partial(self._read_unsettled, table)
        return self._read

    async def _read_unsettled(self, table: Table, read: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._write(self._writer.read_unsettled, table, read)

    async def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._readers is None:
            return await self._write(self._writer.read, read)
        return await self._readers.read(read)

    async def _write(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, work, *arguments)


def _log_mistake(done: Future[None] | asyncio.Future[None]) -> None:
    error = done.exception()
    if error is not None:
        _log.error("Facts cannot be settled.", exc_info=error)


def _open(path: Path | None) -> _Opened:
    database = Database.take(path)
    try:
        return _open_database(database)
    except sqlite3.Error as error:
        database.close()
        raise StartError(f"Cannot store in {database.name}: {cause_of(error)}.") from None
    except StoreUnavailableError as error:
        database.close()
        raise StartError(f"Cannot finish what an earlier server began in {database.name}: {error.cause}.") from None
    except BaseException:
        database.close()
        raise


def _open_database(database: Database) -> _Opened:
    steps = read_steps()
    with closing(database.connect()) as connection:
        require_ours(connection, database.name, len(steps))
    connection = database.connect_writer()
    writer = Writer(connection, database.connect_writer if database.path else None)
    try:
        upgrade(connection, steps)
        # Nothing else is to be done, however large the database is.
        has_facts = writer.take_up()
        return _Opened(database, writer, Readers(database.connect_reader) if database.path else None, has_facts)
    except BaseException:
        writer.close()
        raise
