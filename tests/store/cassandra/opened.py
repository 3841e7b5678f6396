"""Stores opened for a while."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import Final

from cassandra import ConsistencyLevel, OperationTimedOut, Unavailable
from cassandra.cluster import NoHostAvailable
from cassandra.query import SimpleStatement

from eventmanager.errors import StoreUnavailableError
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.connection import connect
from eventmanager.store.cassandra.opening import open_keyspace
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions

_KNOWN_WITHIN_S: Final = 60


@asynccontextmanager
async def opened(
    address: str, patience_s: float = 5, new_id: Callable[[], uuid.UUID] = uuid.uuid4
) -> AsyncIterator[CassandraStore]:
    """Open a store, as soon as its nodes know of each other, and close it."""
    options = StoreOptions(patience_s=patience_s, new_id=new_id)
    async with asyncio.timeout(_KNOWN_WITHIN_S):
        while True:
            try:
                store = await open_keyspace(parse_address(address), os.environ, options=options)
                break
            except StoreUnavailableError:
                await asyncio.sleep(0.5)  # As a server does that starts before its nodes are ready.
    try:
        yield store
    finally:
        await store.close()


async def acquainted(address: str) -> None:
    """Return when two nodes know that the other is there: before, a keyspace that one makes is unknown to the other."""
    async with asyncio.timeout(_KNOWN_WITHIN_S):
        while not await asyncio.to_thread(_are_acquainted, address):  # noqa: ASYNC110 - nothing tells.
            await asyncio.sleep(0.5)


def _are_acquainted(address: str) -> bool:
    query = SimpleStatement(
        "SELECT id FROM system_distributed.repair_history LIMIT 1", consistency_level=ConsistencyLevel.TWO
    )
    try:
        with closing(connect(parse_address(address), "")) as connection:
            hosts = connection.cluster.metadata.all_hosts()
            for host in hosts:
                connection.session.execute(query, host=host)
            return len(hosts) > 1
    except (Unavailable, OperationTimedOut, NoHostAvailable, StoreUnavailableError):
        return False
