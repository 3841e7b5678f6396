"""A commit goes wrong at every one of its steps: sets are right at once, `audited` always, and everything once counted
again.
"""

import datetime
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from eventmanager import server as server_module
from eventmanager.audit.cells import DayCount
from eventmanager.audit.counting import CountingHere
from eventmanager.audit.recount import Caller
from eventmanager.blocks import Day
from eventmanager.store.address import open_logged_days
from eventmanager.store.cassandra import repeater, settling
from eventmanager.store.cassandra.address import parse_address
from eventmanager.store.cassandra.connection import connect
from tests.audit.crash_points import CASES
from tests.audit.crash_trial import SHARDS, Trial
from tests.audit.machine_faults import Faults, faulty_stores
from tests.audit.shop import Shop
from tests.cassandra_nodes import CassandraNodes


class CountingBeside:
    """Reads a file beside its server, as a worker does, without a process for each server."""

    def __init__(self, address: str, _: int) -> None:
        self._address = address

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        days = await open_logged_days(self._address)
        try:
            return await CountingHere(days).count(day, shard_count, caller)
        finally:
            await days.close()

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Have a statement that fails be given up at once, not repeated for seconds, and what fails be tried again soon."""
    monkeypatch.setattr(repeater, "_FIRST_PAUSE_S", 3_600.0)
    monkeypatch.setattr(settling, "_RETRY_S", 0.02)
    faults = Faults()
    with faulty_stores(faults):
        yield faults


@pytest.fixture
async def shop_on_a_file(faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr(server_module, "CountingInWorker", CountingBeside)
    shop = Shop(f"sqlite:{tmp_path / 'events.db'}", faults)
    await shop.open()
    yield shop
    await shop.close()


@pytest.fixture
async def shop_on_cassandra(faults: Faults, cassandra: CassandraNodes) -> AsyncIterator[Shop]:
    """One server that comes to harm, and one that counts again."""
    address = cassandra.address("steps")
    shop = Shop(address, faults, servers=2)
    await shop.open()
    connection = connect(parse_address(address), "")

    def waits(app: str, dates: Sequence[datetime.date]) -> bool:
        rows = connection.session.execute(
            f"SELECT additions FROM steps.waiting_totals WHERE app = '{app}' AND date IN ('{dates[0]}', '{dates[1]}') "
            f"AND shard IN ({', '.join(map(str, range(SHARDS)))})"
        )
        return any(additions for (additions,) in rows)

    shop.waits = waits
    yield shop
    await shop.close()
    connection.close()


@pytest.mark.parametrize("name", CASES)
async def test_on_a_file(shop_on_a_file: Shop, name: str) -> None:
    """Each step fails, done or not, or is the last; events come again in one of the ways."""
    assert [] == await Trial(shop_on_a_file, CASES[name], in_all_ways=False).run()


@pytest.mark.parametrize("name", CASES)
async def test_on_cassandra(shop_on_cassandra: Shop, name: str) -> None:
    """As on a file."""
    assert [] == await Trial(shop_on_cassandra, CASES[name], in_all_ways=False).run()


@pytest.mark.large
@pytest.mark.parametrize("name", CASES)
async def test_on_a_file_in_all_ways(shop_on_a_file: Shop, name: str) -> None:
    """In each of the ways that events come again."""
    assert [] == await Trial(shop_on_a_file, CASES[name], in_all_ways=True).run()


@pytest.mark.large
@pytest.mark.parametrize("name", CASES)
async def test_on_cassandra_in_all_ways(shop_on_cassandra: Shop, name: str) -> None:
    """As on a file."""
    assert [] == await Trial(shop_on_cassandra, CASES[name], in_all_ways=True).run()
