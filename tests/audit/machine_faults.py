"""Faults below the stores: statements that fail, before or after they are done."""

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from cassandra import OperationTimedOut
from cassandra.cluster import Session

from eventmanager.store.sqlite.database import Database


@dataclass(slots=True)
class Faults:
    """Counts statements down to the one that fails."""

    statements_left: int = -1
    """How many go well before one fails; none does while it is negative."""
    is_done: bool = False
    """Whether the one that fails is done all the same, and only its answer lost."""
    how_many: float = 1
    """How many in a row fail."""
    seen: int = 0
    """How many statements there were."""
    struck: int = 0
    """How many of them failed."""

    def plan(self, statements: int, how_many: float, *, is_done: bool) -> None:
        """Have some statements go well, and the next ones fail."""
        self.statements_left, self.how_many, self.is_done = statements, how_many, is_done

    def cut(self) -> None:
        """Have nothing be done any more."""
        self.plan(0, math.inf, is_done=False)

    @property
    def is_cut(self) -> bool:
        """Whether nothing is done any more."""
        return self.statements_left == 0 and math.isinf(self.how_many)

    def end(self) -> None:
        """Let everything go well."""
        self.statements_left = -1

    def strike(self) -> bool:
        """Tell whether the next statement fails."""
        self.seen += 1
        if self.statements_left < 0:
            return False
        if self.statements_left:
            self.statements_left -= 1
            return False
        self.struck += 1
        self.how_many -= 1
        if not self.how_many:
            self.end()
        return True


class FaultyConnection:
    """A connection to a file of SQLite whose statements may fail."""

    def __init__(self, connection: sqlite3.Connection, faults: Faults) -> None:
        self._connection = connection
        self._faults = faults

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        """Execute a statement, or fail."""
        if self._faults.strike():
            if self._faults.is_done:
                self._connection.execute(statement, values)
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def failing_session(execute_async: Callable[..., Any], faults: Faults) -> Callable[..., Any]:
    """Return what takes the place of the driver's Session.execute_async."""

    def execute(session: Any, statement: Any, *values: Any, **options: Any) -> Any:
        if options.get("execution_profile") == "writes" and faults.strike():
            if faults.is_done:
                execute_async(session, statement, *values, **options).result()
            raise OperationTimedOut
        return execute_async(session, statement, *values, **options)

    return execute


@contextmanager
def faulty_stores(faults: Faults) -> Iterator[None]:
    """Have the statements of all stores opened meanwhile fail as planned: of SQLite what its writer does, of Cassandra
    what its commits and recounts do.
    """
    connect = Database.connect_writer
    with (
        patch.object(Database, "connect_writer", lambda database: FaultyConnection(connect(database), faults)),
        patch.object(Session, "execute_async", failing_session(Session.execute_async, faults)),
    ):
        yield
