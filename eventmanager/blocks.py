"""Blocks: what the log is made of. One holds the admitted events of one request that share app, date and shard."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

from eventmanager.block_sums import BlockSums, identities_of, sum_up
from eventmanager.events import EventRow


class Day(NamedTuple):
    """One day of one app, in the app's own zone."""

    app: str
    date: datetime.date


class Partition(NamedTuple):
    """The part of a day that holds the visitors whose CRC-32 falls to one shard."""

    app: str
    date: datetime.date
    shard: int

    @property
    def day(self) -> Day:
        """The day that this is a part of."""
        return Day(self.app, self.date)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some admitted events of one partition: the log row that keeps them, and what they say.

    `block_id` has 16 bytes and `payload` is what PayloadWriter made of the events.
    """

    partition: Partition
    block_id: bytes
    count: int
    hour: int
    """That of its first event."""
    payload: bytes
    expire_time_s: int
    """When the day's rows expire, in seconds since 1970; 0 for never."""
    sums: Callable[[], BlockSums]
    """Tells what its events say if all of them count. Blocks with one and the same `sums` were summed up together: it
    tells what all of them say.
    """
    blocks_summed: int
    """How many have these."""
    identities: Callable[[], Sequence[str]]
    """Tells for each event what no other of the partition has."""
    rows: Callable[[], Sequence[EventRow]]
    """Tells the events one by one, for when not all of them count."""

    @classmethod
    def of(
        cls, partition: Partition, block_id: bytes, rows: Sequence[EventRow], payload: bytes, expire_time_s: int
    ) -> Self:
        """Make a block of events."""
        return cls(
            partition, block_id, len(rows), rows[0][4] if rows else 0, payload, expire_time_s,
            partial(sum_up, rows), 1, partial(identities_of, rows), lambda: rows,
        )  # fmt: skip


class StoredBlock(NamedTuple):
    """A row of the log as it is kept: the block's id and its payload."""

    block_id: bytes
    payload: bytes
