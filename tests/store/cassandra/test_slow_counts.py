"""A node that cannot count in time."""

import datetime
from collections.abc import Iterator
from typing import Final

import pytest

from eventmanager.blocks import Partition
from eventmanager.facts import Key, SetTable
from eventmanager.store.cassandra import connection, statements
from eventmanager.store.cassandra.address import parse_address
from tests.cassandra_nodes import CassandraNodes, started
from tests.store.cassandra.conftest import OpenStore
from tests.store.made_facts import commit, members_of

READ_DELAY_MS: Final = 60
VISITORS: Final = 100
"""A node gives up after 5 s, and takes longer than that to read so many."""
ROWS_A_PAGE: Final = 30
READ_TIMEOUT_S: Final = 3.0
"""Longer than a node takes for a page, and shorter than for all of them."""


@pytest.fixture
def slow_cassandra(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[CassandraNodes]:
    """A node that takes its time for each row it reads."""
    directory = tmp_path_factory.mktemp("cassandra")
    nodes = started(CassandraNodes(directory, careless=True, read_delay_ms=READ_DELAY_MS), request)
    yield nodes
    nodes.stop()


async def test_visitors_are_counted_however_many_there_are(
    slow_cassandra: CassandraNodes, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it takes longer than the node may take for an answer, and all pages take longer than one may take."""
    monkeypatch.setattr(statements, "_ROWS_A_PAGE", ROWS_A_PAGE)
    monkeypatch.setattr(connection, "_READ_TIMEOUT_S", READ_TIMEOUT_S)
    store = await open_store(keyspace_address=parse_address(slow_cassandra.address("slow")))
    partition = Partition("shop", datetime.date(2026, 6, 17), 0)
    keys: list[Key] = [(visitor % 2, f"u{visitor}") for visitor in range(VISITORS)]
    await commit(store, partition, "stages", members_of(SetTable.USERS_BY_STAGE, partition, *keys))

    assert {(0,): VISITORS / 2, (1,): VISITORS / 2} == await store.member_counts(SetTable.USERS_BY_STAGE, partition)
