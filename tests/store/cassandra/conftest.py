"""Stores on one keyspace of the run's node. Tests keep apart by their apps' ids."""

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import TypeAlias

import pytest
from cassandra.cluster import Session

from eventmanager.blocks import Day
from eventmanager.store.cassandra.address import CassandraAddress, parse_address
from eventmanager.store.cassandra.connection import connect
from eventmanager.store.cassandra.migrations import Keyspace
from eventmanager.store.cassandra.opening import open_keyspace
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions
from tests.cassandra_nodes import CassandraNodes, free_network, started
from tests.store.cassandra.made_blocks import DATE

OpenStore: TypeAlias = Callable[..., Awaitable[CassandraStore]]
"""Opens a store on the tests' keyspace or another, as one more server would; it is closed after the test."""

_numbers = count()


@pytest.fixture(scope="session")
def address(cassandra: CassandraNodes) -> CassandraAddress:
    """The address of the keyspace that tests share."""
    return parse_address(cassandra.address("tests"))


@pytest.fixture
async def open_store(address: CassandraAddress) -> AsyncIterator[OpenStore]:
    """Stores are opened with this."""
    async with AsyncExitStack() as stack:

        async def opened(
            options: StoreOptions | None = None, keyspace_address: CassandraAddress = address
        ) -> CassandraStore:
            store = await open_keyspace(keyspace_address, os.environ, options=options)
            stack.push_async_callback(store.close)
            return store

        yield opened


@pytest.fixture
async def store(open_store: OpenStore) -> CassandraStore:
    """A store on the keyspace that tests share."""
    return await open_store()


@pytest.fixture
def day() -> Day:
    """A day of an app that no other test has."""
    return Day(f"app-{next(_numbers)}", DATE)


@pytest.fixture
def session(address: CassandraAddress) -> Iterator[Session]:
    """A session of the driver, to look at the tables behind the store's back."""
    connection = connect(address, "")
    Keyspace(connection, address, uuid.uuid4).open(migrate=True)
    yield connection.session
    connection.close()


@pytest.fixture(scope="session")
def superintendent(cassandra: CassandraNodes) -> Iterator[Session]:
    """A session of the driver that uses no keyspace."""
    connection = connect(parse_address(cassandra.address("none")), "")
    yield connection.session
    connection.close()


@pytest.fixture
def own_address(cassandra: CassandraNodes, superintendent: Session) -> Iterator[CassandraAddress]:
    """The address of a keyspace that is the test's alone, not yet there, and dropped afterwards."""
    address = parse_address(cassandra.address(f"own_{next(_numbers)}"))
    yield address
    superintendent.execute(f"DROP KEYSPACE IF EXISTS {address.keyspace}")


@pytest.fixture
async def own_store(open_store: OpenStore, own_address: CassandraAddress) -> CassandraStore:
    """A store on that keyspace, with its tables."""
    return await open_store(keyspace_address=own_address)


@pytest.fixture(scope="session")
def proxied_cassandra(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[CassandraNodes]:
    """A node that sends drivers to an address of its own, where a proxy is to be."""
    directory = tmp_path_factory.mktemp("cassandra")
    nodes = started(CassandraNodes(directory, announced_network=free_network(), careless=True), request)
    yield nodes
    nodes.stop()
