"""Logs of which a part is gone, as retention leaves them for a while, with what recounts have kept beside them."""

import datetime
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from cassandra.cluster import Session

from eventmanager.blocks import Day
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.connection import connect
from eventmanager.store.sqlite import dropping


class ExpiringLog(Protocol):
    """What happens to a day behind a server's back."""

    @property
    def address(self) -> str:
        """Name the store."""
        ...

    def block_count(self, day: Day) -> int:
        """Count what is left of the log, all of it in shard 0."""
        ...

    def lose_a_block(self, day: Day) -> None:
        """Have one block's time be over."""
        ...

    def cells(self, day: Day) -> Mapping[str, Any]:
        """Read what recounts have kept, by report."""
        ...


class LogOnFile:
    """The sweep has removed a block of the day, and was killed then."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def address(self) -> str:
        return f"sqlite:{self._path}"

    def block_count(self, day: Day) -> int:  # noqa: ARG002 - there is but one.
        with self._connected() as connection:
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])

    def lose_a_block(self, day: Day) -> None:
        with self._connected() as connection, patch.object(dropping, "_BLOCKS_AT_ONCE", 1):
            dropping.forget_day(connection, day)
            dropping.remove_some_rows(connection)

    def cells(self, day: Day) -> Mapping[str, Any]:  # noqa: ARG002 - as above.
        with self._connected() as connection:
            return {report: kept for report, *kept in connection.execute("SELECT report, marks, figures FROM recounts")}

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=5)) as connection, connection:
            yield connection


class LogOnCassandra:
    """A block's row has outlived its TTL."""

    def __init__(self, address: str) -> None:
        self._address = parse_address(address)

    @property
    def address(self) -> str:
        return str(self._address)

    def block_count(self, day: Day) -> int:
        with self._connected() as session:
            return int(session.execute(f"SELECT COUNT(*) FROM events {_in_shard(day)}").one()[0])

    def lose_a_block(self, day: Day) -> None:
        before = self.block_count(day)
        with self._connected() as session:
            row = session.execute(f"SELECT * FROM events {_in_shard(day)} LIMIT 1")
            columns = row.column_names
            session.execute(
                f"INSERT INTO events ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) USING TTL 1",
                row.one(),
            )
        deadline_s = time.monotonic() + 10
        while self.block_count(day) == before:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)

    def cells(self, day: Day) -> Mapping[str, Any]:
        with self._connected() as session:
            rows = session.execute(
                "SELECT report, recount, WRITETIME(recount) FROM recounts WHERE app = %s AND date = %s",
                (day.app, day.date),
            )
            return {report: kept for report, *kept in rows}

    @contextmanager
    def _connected(self) -> Iterator[Session]:
        with closing(connect(self._address, "")) as connection:
            connection.session.set_keyspace(self._address.keyspace)
            yield connection.session


def _in_shard(day: Day) -> str:
    return f"WHERE app = '{day.app}' AND date = '{datetime.date.isoformat(day.date)}' AND shard = 0"
