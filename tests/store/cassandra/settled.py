"""Waits until something is in the tables, as it gets there by itself."""

import asyncio
from collections.abc import Callable
from typing import Final

from cassandra.cluster import Session

from eventmanager.blocks import Day
from tests.store.cassandra.made_blocks import DATE

_LONGEST_S: Final = 20


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Ask again and again, in a thread: the way to a node may be this one's."""
    async with asyncio.timeout(_LONGEST_S):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - nothing tells.
            await asyncio.sleep(0.05)


async def settled(session: Session, day: Day, keyspace: str = "tests") -> None:
    """Return once no additions to a day's totals wait in shard 0."""
    query = f"SELECT additions FROM {keyspace}.waiting_totals WHERE app = '{day.app}' AND date = '{DATE}' AND shard = 0"
    await wait_until(lambda: not any(additions for (additions,) in session.execute(query)))
