"""The one writer: commits, and the settling of what they say.

A commit writes log rows and, in one row more, their facts. Settling moves the facts of many commits to their tables at
once, where they touch a fraction of the rows and pages that each commit would by itself. Whoever reads tables settles
first, so nobody sees the difference.
"""

import logging
import math
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import TypeVar

from eventmanager.blocks import Block, Day
from eventmanager.errors import StoreUnavailableError
from eventmanager.store.protocol import BlockOutcome, FactsOf
from eventmanager.store.sqlite import dropping
from eventmanager.store.sqlite.days import DayNumbers, raise_blocks
from eventmanager.store.sqlite.failures import store_failures
from eventmanager.store.sqlite.log_rows import (
    delete_facts,
    insert_blocks,
    insert_facts,
    known_blocks,
    note_settled,
    read_facts,
)
from eventmanager.store.sqlite.portions import PORTIONS, PortionedFacts, facts_compressor, sorted_if_many
from eventmanager.store.sqlite.settling import settle_facts
from eventmanager.store.sqlite.table_facts import TableFacts, facts_by_table
from eventmanager.store.sqlite.tables import ALL_TABLES, Table, partition_number
from eventmanager.store.sqlite.totals_cache import TotalsCache
from eventmanager.store.sqlite.unsettled import MOST_FULLNESS, Unsettled

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Writer:
    """Changes a database. One thread at a time uses it.

    What it remembers is what the database holds. After a failure that may not be so: then it forgets everything, and
    connects again before it goes on.
    """

    def __init__(self, connection: sqlite3.Connection, connect: Callable[[], sqlite3.Connection] | None) -> None:
        """Go on with `connection` for good where `connect` is None: a database in memory is gone with it."""
        self._connection: sqlite3.Connection | None = connection
        self._connect = connect
        self._days = DayNumbers()
        self._totals = TotalsCache()
        self._compressor = facts_compressor()
        self._unsettled: Mapping[Table, Unsettled] | None = None
        self._next_id = 0
        """The id of the next row that keeps facts: none ever has that of another."""
        self._is_failing = False
        self.readings = 0
        """How often the facts that wait were read anew. Then they are in other portions than before."""

    def needs_settling(self, table: Table, day: Day) -> bool:
        """Tell whether facts of a table and day may wait. Safe to ask from any thread."""
        unsettled = self._unsettled
        return unsettled is None or unsettled[table].concern(day)

    def waiting(self, table: Table) -> Sequence[Sequence[int]]:
        """Return the portions of a table's facts that wait, of those committed by now, in groups to be settled at once.

        Safe to ask from any thread.
        """
        unsettled = self._unsettled
        return [range(PORTIONS)] if unsettled is None else unsettled[table].waiting()

    @property
    def is_any_full(self) -> bool:
        """Whether it is time to settle some portion. Safe to ask from any thread."""
        unsettled = self._unsettled
        return unsettled is not None and any(of_table.fullness > 1 for of_table in unsettled.values())

    def settle_full(self, most_s: float) -> None:
        """Settle portions that are full, the fullest first, and begin with no other after so much time.

        Raises StoreUnavailableError.
        """
        self._settle_fuller(1.0, time.monotonic() + most_s)

    def commit(self, blocks: Sequence[Block], facts_of: FactsOf) -> list[BlockOutcome]:
        """Commit as `Store.commit` does."""
        try:
            self._settle_fuller(MOST_FULLNESS, math.inf)
            known = self._commit(blocks, facts_of)
        except StoreUnavailableError as error:
            if not self._is_failing:
                _log.warning("Events cannot be stored, and their senders are told to send again: %s.", error.cause)
            self._is_failing = True
            return [BlockOutcome.UNAVAILABLE] * len(blocks)
        if self._is_failing:
            _log.warning("Events are stored again.")
        self._is_failing = False
        return [BlockOutcome.KNOWN if place in known else BlockOutcome.STORED for place in range(len(blocks))]

    def take_up(self) -> bool:
        """Return whether facts wait that an earlier process committed.

        Raises StoreUnavailableError where some do, and the database takes no changes.
        """
        with store_failures():
            _, unsettled = self._ready()
        if not any(of_table.waiting() for of_table in unsettled.values()):
            return False
        with self.transaction() as connection:
            # A transaction alone does not find out that a file is read-only.
            connection.execute("DELETE FROM unsettled_facts WHERE FALSE")
        return True

    def settle(self, table: Table, places: Collection[int]) -> bool:
        """Move some portions of a table's facts to it, or as many of them as may be moved at once; return whether all
        are there now. Raises StoreUnavailableError.
        """
        with store_failures():
            _, unsettled = self._ready()
        of_table = unsettled[table]
        some, are_all = of_table.first_facts(places)
        if not some:
            return True
        with self._unsynced(), self.transaction() as connection:
            settle_facts(
                connection, table, (piece.encoded for of_place in some for piece in of_place.pieces), self._totals
            )
            if are_all:
                _note_settled(connection, table, of_table, places)
        if are_all:
            of_table.forget(places)
        else:
            of_table.forget_some(some)
        return are_all

    def read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read what is settled. Raises StoreUnavailableError."""
        with store_failures():
            connection, _ = self._ready()
            return read(connection)

    def read_unsettled(self, table: Table, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read a table as if its facts were settled, where the disk takes nothing: in memory, they are meanwhile.

        Raises StoreUnavailableError.
        """
        with store_failures():
            connection, unsettled = self._ready()
            try:
                connection.execute("PRAGMA cache_spill = OFF")
                connection.execute("BEGIN IMMEDIATE")
                of_table = unsettled[table]
                settle_facts(connection, table, of_table.facts(range(PORTIONS)), TotalsCache())
                return read(connection)
            finally:
                connection.rollback()
                connection.execute("PRAGMA cache_spill = ON")

    def forget_day(self, day: Day) -> None:
        """Have a day be no more, though its rows are still to be removed. Raises StoreUnavailableError."""
        for table in ALL_TABLES:
            for places in self.waiting(table):
                self._settle_whole(table, places)
        with self.transaction() as connection:
            dropping.forget_day(connection, day)
        self._days.forget()

    def remove_some_rows(self) -> bool:
        """Remove some rows of days forgotten; return False once none are left. Raises StoreUnavailableError."""
        with self.transaction() as connection:
            return dropping.remove_some_rows(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end of the block; where anything fails, do nothing. Raises StoreUnavailableError."""
        with store_failures():
            try:
                connection, _ = self._ready()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                self._forget()
                raise

    def close(self) -> None:
        """Let go of the database."""
        self._forget()
        if self._connection is not None:
            self._connection.close()

    def _settle_whole(self, table: Table, places: Collection[int]) -> None:
        """Settle some portions to their end: rows where facts wait are kept until every portion has come to its end."""
        while not self.settle(table, places):
            pass

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """Do not wait for the disk when a transaction ends: what a power cut then undoes can be done again.

        The log of transactions keeps their order, so the next one that is synced makes this one durable, too:
        https://www.sqlite.org/pragma.html#pragma_synchronous.
        """
        with store_failures():
            connection, _ = self._ready()
            try:
                connection.execute("PRAGMA synchronous = NORMAL").close()
                yield
            finally:
                if self._connection is connection:
                    try:
                        connection.execute("PRAGMA synchronous = FULL").close()
                    except BaseException:
                        self._forget()  # Or events would be acknowledged that are not on disk.
                        raise

    def _settle_fuller(self, fullness: float, end_s: float) -> None:
        """Settle portions that are fuller than that, the fullest first, and begin with no other after some time."""
        with store_failures():
            _, unsettled = self._ready()
        full = [
            (of_place, table, place)
            for table, of_table in unsettled.items()
            for place, of_place in of_table.fuller_than(fullness)
        ]
        if not full:
            return
        settled: defaultdict[Table, list[int]] = defaultdict(list)
        # In one transaction: by itself, each would write pages that the next writes again.
        with self._unsynced(), self.transaction() as connection:
            for _, table, place in sorted(full, key=itemgetter(0), reverse=True):
                settle_facts(connection, table, unsettled[table].facts([place]), self._totals)
                settled[table].append(place)
                if time.monotonic() >= end_s:
                    break
            for table, places in settled.items():
                _note_settled(connection, table, unsettled[table], places)
        for table, places in settled.items():
            unsettled[table].forget(places)

    def _commit(self, blocks: Sequence[Block], facts_of: FactsOf) -> set[int]:
        """Return the places of blocks that are known."""
        with self.transaction() as connection:
            days = self._days.look_up(connection, {block.partition.day for block in blocks})
            partitions = [partition_number(days[block.partition.day], block.partition.shard) for block in blocks]
            known = known_blocks(connection, partitions, blocks)
            new = [place for place in range(len(blocks)) if place not in known]
            facts: Mapping[Table, PortionedFacts | TableFacts] = {}
            if new:
                by_table = facts_by_table(facts_of([blocks[place] for place in new]), days)
                facts = {table: sorted_if_many(table, of_table) for table, of_table in by_table.items()}
                insert_blocks(connection, [(partitions[place], blocks[place]) for place in new])
            insert_facts(connection, self._next_id, facts, self._compressor)
            raise_blocks(connection, Counter(days[block.partition.day] for block in blocks))
        self._days.keep(days)
        _, unsettled = self._ready()
        for row_id, (table, of_table) in enumerate(facts.items(), self._next_id):
            unsettled[table].add(row_id, of_table)
            unsettled[table].note_days(days)
        self._next_id += len(facts)
        return known

    def _ready(self) -> tuple[sqlite3.Connection, Mapping[Table, Unsettled]]:
        """Return the connection and what waits to be settled, both had anew where they were forgotten."""
        if self._connection is None:
            if self._connect is None:
                raise AssertionError("a connection for good is never forgotten")
            self._connection = self._connect()
        if self._unsettled is None:
            self._unsettled, self._next_id = read_facts(self._connection)
            self.readings += 1
        return self._connection, self._unsettled

    def _forget(self) -> None:
        """Undo what is not committed, and forget everything that was known of the database."""
        self._days.forget()
        self._totals.forget()
        self._unsettled = None
        if self._connection is None:
            return
        with suppress(sqlite3.Error):
            self._connection.rollback()
        if self._connect is not None:
            self._connection.close()
            self._connection = None


def _note_settled(connection: sqlite3.Connection, table: Table, of_table: Unsettled, places: Collection[int]) -> None:
    note_settled(connection, table, places, of_table.last_id)
    delete_facts(connection, of_table.done_ids(places))
