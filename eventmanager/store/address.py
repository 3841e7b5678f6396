"""Addresses of stores, as `--store` takes them, and the stores that they lead to."""

import importlib.util
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.store.cassandra.address import SCHEME, CassandraAddress, parse_address
from eventmanager.store.protocol import LoggedDays, Store
from eventmanager.store.sqlite.logged_days import SQLiteLoggedDays
from eventmanager.store.sqlite.store import SQLiteStore

_SQLITE: Final = "sqlite:"
_MEMORY: Final = ":memory:"
_WANTED: Final = f"{_SQLITE}PATH, {_SQLITE}{_MEMORY} or {SCHEME}HOST/KEYSPACE"
_DRIVER: Final = "cassandra"


@dataclass(frozen=True, slots=True)
class SQLiteAddress:
    """Where an embedded store lies."""

    path: Path | None
    """A file, or None for memory."""


StoreAddress: TypeAlias = SQLiteAddress | CassandraAddress


def parse_store_address(text: str) -> StoreAddress:
    """Take an address apart. Raises StartError where it is not one."""
    if text.startswith(SCHEME):
        return parse_address(text)
    if not text.startswith(_SQLITE):
        raise StartError(f"--store is {text!r}, but must be {_WANTED}.")
    path = text.removeprefix(_SQLITE)
    if path == _MEMORY:
        return SQLiteAddress(None)
    if not path or path.startswith("//") or "\0" in path:
        raise StartError(
            f"--store is {text!r}, which names no file, but must be {_WANTED}, such as {_SQLITE}/var/lib/events.db."
        )
    return SQLiteAddress(Path(path))


async def open_store(
    text: str,
    environment: Mapping[str, str] = os.environ,
    *,
    migrate: bool = True,
    now: Callable[[], float] = time.time,
) -> Store:
    """Open the store at an address; the environment has what an address must not, such as a password.

    `now` is the time in seconds since 1970, from which rows' expiry counts. Without `migrate` a schema that is not up
    to date is refused. Raises StartError where there is no store, or it cannot be opened. A cluster that does not
    answer yet is waited for: until it does, the store is unavailable.
    """
    address = parse_store_address(text)
    if isinstance(address, SQLiteAddress):
        return await SQLiteStore.open(address.path)
    return await _open_cassandra(address, environment, migrate=migrate, now=now)


async def open_logged_days(text: str, environment: Mapping[str, str] = os.environ) -> LoggedDays:
    """Open a store that a server has open, to read it beside that, from another process.

    Raises StoreUnavailableError where a cluster does not answer now.
    """
    address = parse_store_address(text)
    if isinstance(address, SQLiteAddress):
        if address.path is None:
            raise StartError(f"No other process can read {text}.")
        return SQLiteLoggedDays(address.path)
    need_driver(address)
    from eventmanager.store.cassandra.opening import open_keyspace  # noqa: PLC0415 - as below.

    return await open_keyspace(address, environment, migrate=False, for_recounts=True)


async def _open_cassandra(
    address: CassandraAddress, environment: Mapping[str, str], *, migrate: bool, now: Callable[[], float]
) -> Store:
    need_driver(address)
    # The driver is an extra, which only those need who use it.
    from eventmanager.store.cassandra.late_store import LateStore  # noqa: PLC0415 - as above.
    from eventmanager.store.cassandra.opening import open_keyspace  # noqa: PLC0415 - as above.
    from eventmanager.store.cassandra.store import StoreOptions  # noqa: PLC0415 - as above.

    options = StoreOptions(now=now)

    async def open_now() -> Store:
        return await open_keyspace(address, environment, migrate=migrate, options=options)

    try:
        return await open_now()
    except StoreUnavailableError as error:
        return LateStore(open_now, error.cause)


def need_driver(address: CassandraAddress) -> None:
    """Raise StartError where the driver of Cassandra is not installed."""
    if importlib.util.find_spec(_DRIVER) is None:
        raise StartError(
            f"{address} is on Cassandra, whose driver is not installed. Install it: "
            "pip install 'eventmanager-live[cassandra]'"
        )
