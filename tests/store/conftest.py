"""Stores of every kind, for tests that know only the port. A new kind needs a name and an address here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from eventmanager.blocks import Day, Partition
from eventmanager.config import SQLITE_IN_MEMORY
from eventmanager.store.address import open_store
from eventmanager.store.protocol import Store
from tests.cassandra_nodes import CassandraNodes
from tests.store.made_facts import A_DAY, DATE

LASTING_KINDS: Final = ("sqlite-file", "cassandra")
"""Stores that hold what they held when they are opened again."""
KINDS: Final = ("sqlite-memory", *LASTING_KINDS)

StoreAddress: TypeAlias = Callable[[str], str]
OpenStore: TypeAlias = Callable[[], Awaitable[Store]]
"""Closes the store that it opened before, and opens it again."""

_numbers = count()


@pytest.fixture
def store_address(tmp_path: Path, request: pytest.FixtureRequest) -> StoreAddress:
    """Tells the address of a store of some kind, with nothing in it that the test could mistake for its own."""

    def on_cassandra() -> str:
        nodes: CassandraNodes = request.getfixturevalue("cassandra")
        return nodes.address("tests")

    addresses: dict[str, Callable[[], str]] = {
        "sqlite-memory": lambda: SQLITE_IN_MEMORY,
        "sqlite-file": lambda: f"sqlite:{tmp_path / 'events.db'}",
        "cassandra": on_cassandra,
    }
    return lambda kind: addresses[kind]()


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, store_address: StoreAddress) -> AsyncIterator[Store]:
    """A store of each kind."""
    store = await open_store(store_address(request.param))
    yield store
    await store.close()


@pytest.fixture(params=LASTING_KINDS)
async def reopen(request: pytest.FixtureRequest, store_address: StoreAddress) -> AsyncIterator[OpenStore]:
    """A store of each kind that lasts, to be opened as often as the test wants."""
    async with AsyncExitStack() as stack:

        async def opened() -> Store:
            await stack.aclose()
            store = await open_store(store_address(request.param))
            stack.push_async_callback(store.close)
            return store

        yield opened


@pytest.fixture
def app() -> str:
    """The id of an app that no other test has, and that begins no other's."""
    return f"app-{next(_numbers):04}"


@pytest.fixture
def day(app: str) -> Day:
    """A day of that app."""
    return Day(app, DATE)


@pytest.fixture
def days(app: str) -> Iterator[Day]:
    """One day of that app after the other, for tests that run many times in one store."""
    return (Day(app, DATE + number * A_DAY) for number in count())


@pytest.fixture
def partition(day: Day) -> Partition:
    """A partition of that day."""
    return Partition(*day, 3)
