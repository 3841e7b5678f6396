"""Stores opened for a while."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from eventmanager.errors import StoreUnavailableError
from eventmanager.store.cassandra.address import parse_address
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
