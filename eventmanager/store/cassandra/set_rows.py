"""Rows of the sets: written as soon as they are known of, and again until they are there."""

import asyncio
import itertools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from typing import Final, TypeAlias

from eventmanager.blocks import Partition
from eventmanager.facts import Key, SetTable
from eventmanager.store.cassandra.columns import Values, partition_values, ttl_s
from eventmanager.store.cassandra.encoded_rows import EncodedRows, encode_members
from eventmanager.store.cassandra.faults import StatementError
from eventmanager.store.cassandra.mutations import write_rows
from eventmanager.store.cassandra.repeater import Repeater
from eventmanager.store.cassandra.statements import Statements

SetRow: TypeAlias = tuple[SetTable, Key, int]
"""A row of a set: its table, its key, and when it expires, in seconds since 1970. Of no class, as many are made."""
_TABLE_AND_EXPIRY: Final = operator.itemgetter(0, 2)


class SetRows:
    """Writes set rows, and keeps those whose write failed."""

    def __init__(self, statements: Statements, repeater: Repeater, now: Callable[[], float]) -> None:
        self._statements = statements
        self._repeater = repeater
        self._now = now
        self._unwritten: dict[Partition, dict[SetRow, None]] = {}
        self._lock = asyncio.Lock()
        """Held while rows are written: whoever comes next must know what of its partitions was left behind."""

    @property
    def unwritten_count(self) -> int:
        """How many rows are yet to be written."""
        return sum(map(len, self._unwritten.values()))

    async def write(self, rows: Mapping[Partition, Sequence[SetRow]]) -> Set[Partition]:
        """Write rows, and what was left behind of their partitions; return the partitions that lack some of theirs.

        Events whose rows were left behind may come again in other blocks: those are not there before these rows are.
        """
        async with self._lock:
            return await self._write({each: [*self._unwritten.pop(each, ()), *new] for each, new in rows.items()})

    async def write_all(self) -> int:
        """Try to write what commits have left unwritten; return how many rows are left."""
        async with self._lock:
            unwritten, self._unwritten = self._unwritten, {}
            await self._write({partition: list(rows) for partition, rows in unwritten.items()})
        return self.unwritten_count

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Forget what was yet to be written of partitions that are to be removed."""
        for partition in partitions:
            self._unwritten.pop(partition, None)

    async def _write(self, rows: Mapping[Partition, Sequence[SetRow]]) -> Set[Partition]:
        """Write rows, and return the partitions that lack some of theirs. Those are kept for later."""
        results = await asyncio.gather(*itertools.starmap(self._write_rows, rows.items()), return_exceptions=True)
        failed: set[Partition] = set()
        for partition, result in zip(rows, results, strict=True):
            if isinstance(result, StatementError):
                failed.add(partition)
            elif isinstance(result, BaseException):
                raise result
        return failed

    async def _write_rows(self, partition: Partition, rows: Sequence[SetRow]) -> None:
        def put_back(rows: Sequence[SetRow]) -> None:
            self._unwritten.setdefault(partition, {}).update(dict.fromkeys(rows))

        encode = partial(self._encode, partition_values(partition), self._now())
        await write_rows(self._repeater, rows, encode, put_back)

    def _encode(self, partition: Values, now_s: float, rows: Sequence[SetRow]) -> list[EncodedRows]:
        encoded = []
        for (table, expire_time_s), alike in itertools.groupby(rows, _TABLE_AND_EXPIRY):
            keys = [key for _, key, _ in alike]
            ttl = ttl_s(expire_time_s, now_s)
            encoded.append(encode_members(self._statements.write_members[table], partition, keys, ttl))
        return encoded
