"""The stores under measurement: new ones for every run, and what they take on disk."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

import psutil

from benchmark.errors import BenchmarkError
from tests.cassandra_nodes import CassandraMissingError, CassandraNodes

StoreName: TypeAlias = Literal["sqlite", "cassandra"]

_SQLITE: Final = "sqlite:"


class MeasuredStores(Protocol):
    """Gives stores that are empty."""

    def new_address(self) -> str:
        """Return the address of one, to be given to a server."""
        ...

    @property
    def node_cpu_s(self) -> float | None:
        """Processor time so far of the process that stores, where it is not the server's own."""
        ...

    async def settle(self) -> None:
        """Have all that is stored on disk, after which nothing more can be stored."""
        ...

    def stored_bytes(self, address: str) -> int:
        """Return what a store takes on disk once it is settled."""
        ...

    def stored_bytes_now(self, address: str) -> int | None:
        """Return what a store takes on disk while a server has it open, or None where that says little."""
        ...


class SQLiteFiles:
    """SQLite files in a folder."""

    node_cpu_s: None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def new_address(self) -> str:
        """As in MeasuredStores."""
        return f"{_SQLITE}{self._folder / f'run-{next(self._numbers)}.db'}"

    async def settle(self) -> None:
        """As in MeasuredStores: a server that stops leaves nothing to do."""

    def stored_bytes(self, address: str) -> int:
        """As in MeasuredStores: the pages that are not free."""
        with closing(sqlite3.connect(f"{_file(address).as_uri()}?mode=ro", uri=True)) as connection:
            [(page_bytes,)], [(pages,)], [(free_pages,)] = (
                connection.execute(f"PRAGMA {name}").fetchall()
                for name in ("page_size", "page_count", "freelist_count")
            )
        return int(page_bytes * (pages - free_pages))

    def stored_bytes_now(self, address: str) -> int:
        """As in MeasuredStores: the file and what is beside it."""
        file = _file(address)
        return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))


def _file(address: str) -> Path:
    return Path(address.removeprefix(_SQLITE)).absolute()


class CassandraKeyspaces:
    """Keyspaces of one node, on this machine."""

    def __init__(self, nodes: CassandraNodes) -> None:
        self._nodes = nodes
        self._numbers = count(1)
        self._process = psutil.Process(int((nodes.directory / "node1" / "cassandra.pid").read_text()))

    def new_address(self) -> str:
        """As in MeasuredStores."""
        return self._nodes.address(f"run_{next(self._numbers)}")

    @property
    def node_cpu_s(self) -> float:
        """As in MeasuredStores."""
        times = self._process.cpu_times()
        return times.user + times.system

    async def settle(self) -> None:
        """As in MeasuredStores: a node that stops writes all tables to disk first."""
        await asyncio.to_thread(self._nodes.stop)

    def stored_bytes(self, address: str) -> int:
        """As in MeasuredStores: the keyspace's tables, without the commit log."""
        keyspace = address.rpartition("/")[2]
        (folder,) = self._nodes.directory.glob(f"**/data/{keyspace}")
        return sum(file.stat().st_size for file in folder.glob("**/*") if file.is_file())

    def stored_bytes_now(self, address: str) -> None:
        """As in MeasuredStores: the latest is in the node's memory."""


@asynccontextmanager
async def open_stores(name: StoreName, folder: Path) -> AsyncIterator[MeasuredStores]:
    """Give stores in a folder; for Cassandra start a node, which is stopped afterwards. Raises BenchmarkError."""
    if name == "sqlite":
        yield SQLiteFiles(folder)
        return
    nodes = CassandraNodes(folder, is_long_lived=True)
    try:
        await asyncio.to_thread(nodes.start)
    except (CassandraMissingError, AssertionError) as error:
        raise BenchmarkError(str(error)) from None
    try:
        yield CassandraKeyspaces(nodes)
    finally:
        await asyncio.to_thread(nodes.stop)
