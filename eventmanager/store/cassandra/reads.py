"""Reads: by partition, page by page. Raises StoreUnavailableError where the cluster does not answer."""

import asyncio
import datetime
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import starmap
from typing import Any, NamedTuple

from eventmanager.blocks import Day, Partition, StoredBlock
from eventmanager.errors import StoreUnavailableError
from eventmanager.facts import Addition, Key, SetTable, Totals, TotalsRow, TotalsTable
from eventmanager.store.cassandra.bridge import Bridge, Rows
from eventmanager.store.cassandra.columns import SET_COLUMNS, TOTALS_COLUMNS, Values, cql_date, partition_values
from eventmanager.store.cassandra.faults import Fault, StatementError
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.waiting_totals import WAITING_TABLES, decode_additions
from eventmanager.store.protocol import Members


@contextmanager
def failing_as_unavailable() -> Iterator[None]:
    """Turn a statement's failure into the port's, unless it is a mistake of ours."""
    try:
        yield
    except StatementError as error:
        if error.fault is Fault.MISTAKE:
            raise
        raise StoreUnavailableError(error.cause) from error


class _Waiting(NamedTuple):
    ledger_id: uuid.UUID
    number: int
    additions: Mapping[Key, Addition]


class Reads:
    """Answers the reading half of the port. How many statements are under way at once is the bridge's to bound."""

    def __init__(self, statements: Statements, bridge: Bridge) -> None:
        self._statements = statements
        self._bridge = bridge

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """Do what Store.log says, in the order of block ids."""
        async for rows in self._pages(self._statements.read_log.bind(partition_values(partition))):
            yield [StoredBlock(*row) for row in rows]

    async def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        """Do what Store.members says."""
        column = SET_COLUMNS[table].index("user")
        async for rows in self._pages(self._statements.read_members[table].bind(partition_values(partition))):
            groups: dict[Key, list[str]] = {}
            for row in rows:
                groups.setdefault(row[:column] + row[column + 1 :], []).append(row[column])
            yield list(starmap(Members, groups.items()))

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """Do what Store.member_counts says. Cassandra counts, but for visitors with several platforms."""
        values = partition_values(partition)
        if table is SetTable.USERS_BY_PLATFORM:
            pages = self._pages(self._statements.list_visitors.bind(values))
            count = sum([len(rows) async for rows in pages])
            return {(): count} if count else {}
        statement = (
            self._statements.count_stage_users if table is SetTable.USERS_BY_STAGE else self._statements.count_edges
        )
        try:
            return {tuple(key): count for *key, count in await self._all(statement.bind(values))}
        except StoreUnavailableError:
            # A node has some seconds to count, however many there are. To list them it has as many for each page.
            return await self._count_here(table, partition)

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        """Do what Store.has_visitor says."""
        return bool(await self._all(self._statements.find_visitor.bind((*partition_values(partition), device_id))))

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """Do what Store.totals says: read the shards that the day's ledgers lie in, side by side."""
        partitions = [partition_values(Partition(*day, shard)) for shard in sorted(await self.ledger_shards(day))]
        row_of = TOTALS_COLUMNS[table].row_of
        if table in WAITING_TABLES:
            # Before the rows: what is settled meanwhile is in them. They tell what is in them of what waits.
            waiting = await self._waiting(table, partitions)
            if waiting:
                rows = await self._all_of(self._statements.read_added_totals[table], partitions)
                return [*map(row_of, rows), *_not_added(table, waiting, rows)]
        rows = await self._all_of(self._statements.read_totals[table], partitions)
        totals = list(map(row_of, rows))
        # A ledger's marks alone make a row, too.
        return [row for row in totals if any(row.counts)] if table is TotalsTable.TRAFFIC else totals

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """Do what Store.dates says."""
        return await self._dates(self._statements.list_dates, app, first, last)

    async def nearby_dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """Do what Store.nearby_dates says."""
        return await self._dates(self._statements.list_nearby_dates, app, first, last)

    async def ledger_shards(self, day: Day) -> Set[int]:
        """Return the shards that a day's ledgers lie in."""
        rows = await self._all(self._statements.read_day.bind((day.app, cql_date(day.date))))
        return {shard for (shard,) in rows}

    async def _waiting(self, table: TotalsTable, partitions: Sequence[Values]) -> Sequence[_Waiting]:
        """Return the additions to a table that wait, or did when this was called."""
        read = self._statements.read_waiting
        parts = await asyncio.gather(*(self._all(read.bind((*partition, table.value))) for partition in partitions))
        return [
            _Waiting(ledger_id, number, decode_additions(additions))
            for part in parts
            for ledger_id, number, additions in part
            if additions
        ]

    async def _dates(
        self, statement: Any, app: str, first: datetime.date, last: datetime.date
    ) -> Sequence[datetime.date]:
        rows = await self._all(statement.bind((app, cql_date(first), cql_date(last))))
        return [date.date() for (date,) in rows]

    async def _count_here(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        counts: Counter[Key] = Counter()
        async for page in self.members(table, partition):
            for members in page:
                counts[members.columns] += len(members.device_ids)
        return counts

    async def _pages(self, statement: Any) -> AsyncIterator[Rows]:
        with failing_as_unavailable():
            async for rows in self._bridge.pages(statement):
                yield rows

    async def _all_of(self, statement: Any, partitions: Sequence[Values]) -> Rows:
        parts = await asyncio.gather(*(self._all(statement.bind(partition)) for partition in partitions))
        return [row for part in parts for row in part]

    async def _all(self, statement: Any) -> Rows:
        return [row async for rows in self._pages(statement) for row in rows]


def _not_added(table: TotalsTable, waiting: Iterable[_Waiting], rows: Rows) -> Iterator[TotalsRow]:
    """Yield as rows what waits and is not in the rows read, which end with their ledger and the last number in them."""
    key_columns = len(TOTALS_COLUMNS[table].key)
    last_added = {(ledger_id, tuple(values[:key_columns])): added for *values, ledger_id, added in rows}
    sums: dict[Key, Totals] = {}
    for ledger_id, number, additions in waiting:
        for key, addition in additions.items():
            if number > last_added.get((ledger_id, key), 0):
                totals = sums.get(key)
                if totals is None:
                    sums[key] = Totals.of(addition)
                else:
                    totals.add(addition)
    for key, totals in sums.items():
        encoded = tuple((durations.total_ms, durations.encode()) for durations in totals.durations)
        yield TotalsRow(key, tuple(totals.counts), encoded)
