"""Blocks: what the log is made of. One holds the admitted events of one request that share app, date and shard."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    """Some admitted events of one partition, and the log row that keeps them.

    `block_id` has 16 bytes and `payload` is what `encode_payload` made of the rows' events.
    """

    partition: Partition
    block_id: bytes
    rows: Sequence[EventRow]
    payload: bytes
    expire_time_s: int
    """When the day's rows expire, in seconds since 1970; 0 for never."""


class StoredBlock(NamedTuple):
    """A row of the log as it is kept: the block's id and its payload."""

    block_id: bytes
    payload: bytes
