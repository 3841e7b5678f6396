"""The port to a store: what the service needs of one, in its own terms.

Every method may raise StoreUnavailableError, and then what it was to do may have happened or not; all of it may be
asked again. Nothing here is safe to call after `close`.
"""

import datetime
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.blocks import Block, Day, Partition, StoredBlock
from eventmanager.facts import Facts, Key, SetTable, TotalsRow, TotalsTable


class BlockOutcome(Enum):
    """What became of a block: a word about its durability, not about its events."""

    STORED = "stored"
    """Durable now, and its facts are counted."""
    KNOWN = "known"
    """Was durable already; its facts are not counted again."""
    UNSETTLED = "unsettled"
    """Its facts are counted or will be, but not everything about it is known to be durable. Its sender is to be told
    that it may not be stored; its events, sent again, are copies.
    """
    UNAVAILABLE = "unavailable"
    """May be durable or not. Sent again, it counts once."""


FactsOf: TypeAlias = Callable[[Sequence[Block]], Facts]
"""Folds blocks, from any thread: those that are new and acknowledged. A store that folds blocks before they are
acknowledged calls it again where some are not, with those that are: what it returned before is void then.
"""


@dataclass(frozen=True, slots=True)
class Recount:
    """What a recount of a day found for one report: the day's marks before its log was read, and the figures."""

    report: str
    marks: bytes
    figures: bytes


class Members(NamedTuple):
    """Visitors who come under one row of a set's columns beside the visitor."""

    columns: Key
    device_ids: Sequence[str]


class LoggedDays(Protocol):
    """What a recount reads of a store. A process that only reads may have no more of it."""

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """Return the marks of those of some days that have events, as at most 64 bytes each.

        They change with every block that is acknowledged, once its log row is there and before the answer, and never
        become again what they were.
        """
        ...

    def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """Read a partition's log by pages, in the order of block ids or of arrival."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class Store(Protocol):
    """Keeps the log, its fold and the apps' settings."""

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        """Make blocks durable and count their facts; return one outcome for each, in their order.

        `resent` names the ids of blocks that may be in the log already. A store that can tell at no cost looks for the
        others, too. No two of the blocks may have the same partition and id. Does not raise StoreUnavailableError: the
        outcomes say it.
        """
        ...

    def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:
        """Read a partition's log by pages, in the order of block ids or of arrival."""
        ...

    def members(self, table: SetTable, partition: Partition) -> AsyncIterator[Sequence[Members]]:
        """Read a partition's visitors by pages, in no particular order. What they come under may come again on
        another page, each visitor once.
        """
        ...

    async def member_counts(self, table: SetTable, partition: Partition) -> Mapping[Key, int]:
        """Count the distinct visitors in a partition by the table's other columns: by (stage,), by (from_stage,
        to_stage), and for USERS_BY_PLATFORM all of them under ().
        """
        ...

    async def has_visitor(self, partition: Partition, device_id: str) -> bool:
        """Tell whether a visitor has any event in a partition."""
        ...

    async def totals(self, table: TotalsTable, day: Day) -> Sequence[TotalsRow]:
        """Read a day's totals, in no particular order. A key may come more than once: its rows add up."""
        ...

    async def dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """List the dates, within two included, of which an app has events, oldest first.

        A date of which an event was acknowledged anywhere is never left out.
        """
        ...

    async def nearby_dates(self, app: str, first: datetime.date, last: datetime.date) -> Sequence[datetime.date]:
        """Do what `dates` does, but ask nobody far away, such as another data centre, which may know of more."""
        ...

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:
        """As in LoggedDays."""
        ...

    async def read_recounts(
        self, app: str, report: str, dates: Sequence[datetime.date]
    ) -> Mapping[datetime.date, Recount]:
        """Read what recounts of some days found for one report; days without are left out."""
        ...

    async def write_recounts(self, day: Day, recounts: Sequence[Recount], expire_time_s: int) -> None:
        """Keep what a recount found in the place of earlier ones, until the day expires; 0 stands for never.

        Of two written at once either may stay, each whole: its marks and its figures are of one recount.
        """
        ...

    async def drop_day(self, day: Day, shard_count: int) -> None:
        """Remove everything kept of a day."""
        ...

    async def read_app(self, app: str) -> AppSettings | None:
        """Return an app's settings, or None where there is no such app."""
        ...

    async def list_apps(self, after: str, limit: int) -> Sequence[AppSettings]:
        """List apps by id, those after an id (the empty text comes before all), at most so many."""
        ...

    async def create_app(self, settings: AppSettings) -> bool:
        """Keep a new app's settings, and return False where its id is taken."""
        ...

    async def replace_app(self, settings: AppSettings, version: int) -> bool:
        """Replace an app's settings, and return False where those kept have another version than this."""
        ...

    async def check(self) -> None:
        """Return when the store answers. Raises StoreUnavailableError when it does not."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of files and connections."""
        ...
