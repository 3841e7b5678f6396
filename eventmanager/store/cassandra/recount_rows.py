"""Recounts, and the marks that tell whether they still hold."""

import asyncio
import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from eventmanager.blocks import Day, Partition
from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.columns import cql_date, partition_values, ttl_s
from eventmanager.store.cassandra.reads import failing_as_unavailable
from eventmanager.store.cassandra.repeater import Repeater
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.protocol import Recount

_MARKS_BYTES: Final = 16
_MICROSECONDS_PER_SECOND: Final = 1_000_000
_DAYS_AT_ONCE: Final = 8


class RecountRows:
    """Reads and writes recounts."""

    def __init__(
        self,
        statements: Statements,
        bridge: Bridge,
        repeater: Repeater,
        now: Callable[[], float],
    ) -> None:
        self._statements = statements
        self._bridge = bridge
        self._repeater = repeater
        self._now = now

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """Do what LoggedDays.marks says: hash which ledgers there are and how many blocks each has acknowledged.

        A ledger's counts only grow, and no two ledgers have one id.
        """
        if not dates:
            return {}
        ledgers: dict[datetime.date, list[tuple[Any, int]]] = {}
        wanted = set(dates)
        values = (app, cql_date(min(dates)), cql_date(max(dates)))
        for cassandra_date, ledger, shard in await self._all(self._statements.read_ledgers.bind(values)):
            date = cassandra_date.date()
            if date in wanted:
                ledgers.setdefault(date, []).append((ledger, shard))
        # Side by side: the bridge bounds how many are under way.
        digests = await asyncio.gather(*(self._marks_of_day(Day(app, date), some) for date, some in ledgers.items()))
        return dict(zip(ledgers, digests, strict=True))

    async def read(self, app: str, report: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, Recount]:
        """Do what Store.read_recounts says."""
        recounts = {}
        for start in range(0, len(dates), _DAYS_AT_ONCE):
            some = dates[start : start + _DAYS_AT_ONCE]
            found = await asyncio.gather(*(self._read_row(Day(app, date), report) for date in some))
            for date, rows in zip(some, found, strict=True):
                for row in rows:
                    recounts[date] = Recount(report, row[0][:_MARKS_BYTES], row[0][_MARKS_BYTES:])
        return recounts

    async def write(self, day: Day, recounts: Sequence[Recount], expire_time_s: int) -> None:
        """Do what Store.write_recounts says. Where two processes find the same time to write at, the larger value
        stays: marks and figures are one value, so it is still of one recount.
        """
        with failing_as_unavailable():
            for recount in recounts:
                time_us = int(self._now() * _MICROSECONDS_PER_SECOND)
                for _, kept_us in await self._read_row(day, recount.report):
                    time_us = max(time_us, kept_us + 1)
                values = (
                    day.app,
                    cql_date(day.date),
                    recount.report,
                    recount.marks + recount.figures,
                    time_us,
                    ttl_s(expire_time_s, self._now()),
                )
                await self._repeater.execute(self._statements.write_recount.bind(values))

    async def _read_row(self, day: Day, report: str) -> Sequence[tuple[Any, ...]]:
        with failing_as_unavailable():
            values = (day.app, cql_date(day.date), report)
            return await self._bridge.execute(self._statements.read_recount.bind(values))

    async def _marks_of_day(self, day: Day, ledgers: Sequence[tuple[Any, int]]) -> bytes:
        """Return a day's marks, given its ledgers and their shards."""
        shards = sorted({shard for _, shard in ledgers})
        by_shard = await asyncio.gather(
            *(self._all(self._statements.read_marks.bind(partition_values(Partition(*day, shard)))) for shard in shards)
        )
        rows = sorted((str(ledger), shard) for ledger, shard in ledgers)
        counts = sorted(
            (shard, hour, str(ledger), blocks)
            for shard, marks in zip(shards, by_shard, strict=True)
            for hour, ledger, blocks in marks
        )
        return hashlib.blake2b(repr((rows, counts)).encode(), digest_size=_MARKS_BYTES).digest()

    async def _all(self, statement: Any) -> list[tuple[Any, ...]]:
        with failing_as_unavailable():
            return [row async for rows in self._bridge.pages(statement) for row in rows]
