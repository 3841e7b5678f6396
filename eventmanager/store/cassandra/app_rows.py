"""Apps' settings: read, listed, and changed by compare-and-set."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from cassandra import ConsistencyLevel
from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.faults import Fault, StatementError
from eventmanager.store.cassandra.reads import failing_as_unavailable
from eventmanager.store.cassandra.statements import Statements

_TRIES: Final = 5
_PAUSE_S: Final = 0.2


class AppRows:
    """Answers the port's questions about apps."""

    def __init__(self, statements: Statements, reads: Bridge, once: Bridge) -> None:
        """`once` must not send a statement twice by itself."""
        self._statements = statements
        self._reads = reads
        self._once = once

    async def read_app(self, app: str) -> AppSettings | None:
        """Do what Store.read_app says."""
        with failing_as_unavailable():
            rows = await self._reads.execute(self._statements.read_app.bind((app,)))
        return AppSettings.FromString(rows[0][0]) if rows else None

    async def list_apps(self, after: str, limit: int) -> Sequence[AppSettings]:
        """Do what Store.list_apps says."""
        statement = self._statements.list_apps.bind((after, limit))
        with failing_as_unavailable():
            return [AppSettings.FromString(row[0]) async for rows in self._reads.pages(statement) for row in rows]

    async def create_app(self, settings: AppSettings) -> bool:
        """Do what Store.create_app says."""
        statement = self._statements.create_app.bind(
            (settings.app.app, settings.version, settings.SerializeToString(deterministic=True))
        )
        return await self._compare_and_set(statement, settings)

    async def replace_app(self, settings: AppSettings, version: int) -> bool:
        """Do what Store.replace_app says."""
        statement = self._statements.replace_app.bind(
            (settings.version, settings.SerializeToString(deterministic=True), settings.app.app, version)
        )
        return await self._compare_and_set(statement, settings)

    async def _compare_and_set(self, statement: Any, settings: AppSettings) -> bool:
        """Tell whether a statement was applied; where its answer was lost, by what is kept now.

        Sent again it may find its own work: then what is kept is what was to be kept.
        """
        with failing_as_unavailable():
            for tries_left in reversed(range(_TRIES)):
                try:
                    rows = await self._once.execute(statement)
                except StatementError as error:
                    if error.fault is Fault.MISTAKE or not tries_left:
                        raise
                    await asyncio.sleep(_PAUSE_S)
                else:
                    return bool(rows[0][0]) or (tries_left < _TRIES - 1 and await self._is_kept(settings))
        raise AssertionError("the last try returns or raises")

    async def _is_kept(self, settings: AppSettings) -> bool:
        statement = self._statements.read_app.bind((settings.app.app,))
        # Sees every compare-and-set that was answered, and completes one that was left half done.
        statement.consistency_level = ConsistencyLevel.SERIAL
        rows = await self._reads.execute(statement)
        return bool(rows) and bytes(rows[0][0]) == settings.SerializeToString(deterministic=True)
