"""The store on Cassandra: its parts put together, and what it does by itself."""

import asyncio
import contextlib
import datetime
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.blocks import Block, Day, Partition, StoredBlock
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.store.cassandra.app_rows import AppRows
from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.columns import cql_date, partition_values
from eventmanager.store.cassandra.commit import Commits, MembersOf
from eventmanager.store.cassandra.connection import ONCE, READS, WRITES, Connection
from eventmanager.store.cassandra.ledgers import LedgerBounds, Ledgers
from eventmanager.store.cassandra.log_rows import LogRows
from eventmanager.store.cassandra.reads import Reads, failing_as_unavailable
from eventmanager.store.cassandra.recount_rows import RecountRows
from eventmanager.store.cassandra.repeater import Repeater
from eventmanager.store.cassandra.set_rows import SetRows
from eventmanager.store.cassandra.settling import Settling
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.protocol import BlockOutcome, FactsOf, Members, Recount

# Of the requests that one connection takes, 32,768, a node works on a few hundred at once.
_MOST_WRITES_IN_FLIGHT: Final = 64
_MOST_READS_IN_FLIGHT: Final = 16
_MOST_ONCE_IN_FLIGHT: Final = 4
_TEND_INTERVAL_S: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What a store may be told to do otherwise."""

    now: Callable[[], float] = time.time
    """The time in seconds since 1970."""
    new_id: Callable[[], uuid.UUID] = uuid.uuid4
    """Names a ledger, never two alike."""
    patience_s: float = 5.0
    """How long a write is tried before it is given up: twice what a node gives up after 2 s."""
    ledger_bounds: LedgerBounds = field(default_factory=LedgerBounds)


class CassandraStore:
    """Keeps the log, its fold and the apps' settings in a keyspace. Belongs to one event loop."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        members_of: MembersOf,
        options: StoreOptions,
    ) -> None:
        """Take over an open connection."""
        loop = asyncio.get_running_loop()
        reads = Bridge(connection.session, loop, READS, _MOST_READS_IN_FLIGHT)
        writes = Bridge(connection.session, loop, WRITES, _MOST_WRITES_IN_FLIGHT)
        repeater = Repeater(writes, _MOST_WRITES_IN_FLIGHT, options.patience_s)
        self._connection = connection
        self._statements = statements
        self._repeater = repeater
        self._reads = Reads(statements, reads)
        self._recounts = RecountRows(statements, reads, repeater, options.now)
        self._apps = AppRows(statements, reads, Bridge(connection.session, loop, ONCE, _MOST_ONCE_IN_FLIGHT))
        self._log_rows = LogRows(statements, repeater, options.now)
        self._set_rows = SetRows(statements, repeater, options.now)
        self._ledgers = Ledgers(statements, repeater, options.now, options.new_id, options.ledger_bounds)
        self._settling = Settling(self._ledgers, options.patience_s)
        self._commits = Commits(self._log_rows, self._set_rows, self._ledgers, self._settling, members_of)
        self._tending = loop.create_task(self._tend())

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        """Store and count blocks. A resent one is known where its log row is there, whatever became of its facts."""
        return await self._commits.commit(blocks, resent, facts_of)

    def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """Read a partition's log in the order of block ids."""
        return self._reads.log(partition)

    def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        """Read a partition's visitors."""
        return self._reads.members(table, partition)

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """Count a partition's visitors, in Cassandra where it can."""
        return await self._reads.member_counts(table, partition)

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        """Look for a visitor's row in users_by_platform."""
        return await self._reads.has_visitor(partition, device_id)

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """Read the rows of all the day's ledgers."""
        return await self._reads.totals(table, day)

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """List the dates of which an app has ledgers."""
        return await self._reads.dates(app, first, last)

    async def nearby_dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """List the dates of which this data centre knows."""
        return await self._reads.nearby_dates(app, first, last)

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """Read the rows of `days` and, in the shards that they name, of `traffic`."""
        return await self._recounts.marks(app, dates)

    async def read_recounts(
        self, app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, Recount]:
        """Read rows of `recounts`."""
        return await self._recounts.read(app, report, dates)

    async def write_recounts(self, day: Day, recounts: Sequence[Recount], expire_time_s: int) -> None:
        """Write rows of `recounts`, each newer than the one that is there."""
        await self._recounts.write(day, recounts, expire_time_s)

    async def drop_day(self, day: Day, shard_count: int) -> None:
        """Delete a day's partitions, and then its rows in `days`: whoever fails in between can begin again."""
        with failing_as_unavailable():
            shards = set(range(shard_count)) | await self._reads.ledger_shards(day)
            partitions = [Partition(*day, shard) for shard in sorted(shards)]
            await self._settling.forget(day)
            self._set_rows.forget(partitions)
            self._log_rows.forget_day(day)
            await asyncio.gather(
                *(
                    self._repeater.execute(statement.bind(partition_values(partition)))
                    for partition in partitions
                    for statement in self._statements.drop_partition
                ),
                self._repeater.execute(self._statements.drop_recounts.bind((day.app, cql_date(day.date)))),
            )
            await self._repeater.execute(self._statements.drop_day.bind((day.app, cql_date(day.date))))

    async def read_app(self, app: str) -> AppSettings | None:
        """Read an app's settings."""
        return await self._apps.read_app(app)

    async def list_apps(self, after: str, limit: int) -> Sequence[AppSettings]:
        """List apps in the order of their ids."""
        return await self._apps.list_apps(after, limit)

    async def create_app(self, settings: AppSettings) -> bool:
        """Keep a new app by compare-and-set."""
        return await self._apps.create_app(settings)

    async def replace_app(self, settings: AppSettings, version: int) -> bool:
        """Replace an app's settings by compare-and-set on their version."""
        return await self._apps.replace_app(settings, version)

    async def check(self) -> None:
        """Read from the apps, as every request does. Raises StoreUnavailableError."""
        await self._apps.list_apps("", 1)

    async def close(self) -> None:
        """Write what is yet to be written, as far as that goes within seconds, and disconnect."""
        self._tending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tending
        await self._settling.close()
        left = await self._write_left_behind()
        if left:
            _log.error("%d rows could not be written: live figures lack them. The log has all their events.", left)
        await asyncio.to_thread(self._connection.close)

    async def _tend(self) -> None:
        """Write again what could not be written, and drop what is not used, as long as the store is open."""
        while True:
            await asyncio.sleep(_TEND_INTERVAL_S)
            try:
                left = await self._write_left_behind()
                self._ledgers.drop_unused()
                if left:
                    _log.warning("%d rows are yet to be written, and are tried again.", left)
            except Exception:  # noqa: BLE001 - whatever it is, the next try may do better, and nobody else would try.
                _log.exception("Could not write again what failed; it stays to be written.")

    async def _write_left_behind(self) -> int:
        return sum(await asyncio.gather(self._set_rows.write_all(), self._ledgers.write_all()))
