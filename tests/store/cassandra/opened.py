"""Stores opened for a while."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.opening import open_keyspace
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions


@asynccontextmanager
async def opened(address: str, patience_s: float = 5) -> AsyncIterator[CassandraStore]:
    """Open a store, and close it."""
    options = StoreOptions(patience_s=patience_s)
    store = await open_keyspace(parse_address(address), os.environ, options=options)
    try:
        yield store
    finally:
        await store.close()
