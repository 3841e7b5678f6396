"""What each report takes from the store: rows, and the bytes of the values in them.

The reports run in this process on a store that is counted at its port. What the store looks at inside, such as rows
that SQLite only counts, is not seen there.
"""

import datetime
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from benchmark.questions import Question
from eventmanager.app_directory import AppDirectory
from eventmanager.blocks import Day, Partition, StoredBlock
from eventmanager.facts import Key, SetTable, TotalsRow, TotalsTable
from eventmanager.services.analytics import AnalyticsServicer
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Members, Recount, Store

_NUMBER_BYTES = 8


class Reading(NamedTuple):
    """What a question took."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Readings:
    """What the first question of a report took, and what later ones do."""

    first: Reading
    later: Reading


async def measure_reading(address: str, questions: Sequence[Question], *, asked: int) -> Mapping[str, Readings]:
    """Ask each question so many times, by report: once where nothing is kept for later. Nothing else may have the store
    open.
    """
    store = await open_store(address)
    try:
        return {question.report: await _readings(store, question, asked) for question in questions}
    finally:
        await store.close()


async def _readings(store: Store, question: Question, asked: int) -> Readings:
    counting = _CountingStore(store)
    # What is not counted is the store's own.
    counted = cast("Store", counting)
    directory = AppDirectory(counted, now=time.time, new_app_zone=None)
    ask = getattr(AnalyticsServicer(directory, counted, time.time), question.method)
    readings = []
    for _ in range(asked):
        counting.rows = counting.bytes = 0
        await ask(question.request, None)
        readings.append(Reading(counting.rows, counting.bytes))
    return Readings(readings[0], readings[-1])


class _CountingStore:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.rows = 0
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        async for page in self._store.log(partition):
            self._add(page)
            yield page

    async def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        async for page in self._store.members(table, partition):
            self._add([device_id for _, device_ids in page for device_id in device_ids])
            yield page

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        counts = await self._store.member_counts(table, partition)
        self._add(list(counts.items()))
        return counts

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        found = await self._store.has_visitor(partition, device_id)
        self._add([device_id] if found else [])
        return found

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        rows = await self._store.totals(table, day)
        self._add(rows)
        return rows

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        dates = await self._store.dates(app, first, last)
        self._add(dates)
        return dates

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        marks = await self._store.marks(app, dates)
        self._add(list(marks.items()))
        return marks

    async def read_recounts(
        self, app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, Recount]:
        recounts = await self._store.read_recounts(app, report, dates)
        self._add([(recount.marks, recount.figures) for recount in recounts.values()])
        return recounts

    def _add(self, rows: Sequence[Any]) -> None:
        self.rows += len(rows)
        self.bytes += sum(map(_bytes_of, rows))


def _bytes_of(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, tuple):
        return sum(map(_bytes_of, value))
    return _NUMBER_BYTES
