"""`eventmanager schema`, on a real node."""

import sys
from itertools import count

import pytest

from tests.cassandra_nodes import CassandraNodes
from tests.cli.conftest import Typed, TypeIn

_numbers = count()


@pytest.fixture
def store(cassandra: CassandraNodes) -> str:
    """The address of a keyspace that is not there."""
    return cassandra.address(f"typed_{next(_numbers)}")


async def test_what_is_missing_is_shown_and_made(type_in: TypeIn, store: str) -> None:
    """Shown as CQL, which changes nothing; made once; and then nothing is missing."""
    shown = await type_in("schema", "show", "--store", store)
    keyspace = store.rpartition("/")[2]

    assert (0, "") == (shown.status, shown.err)
    assert shown.out.startswith(
        f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
        "WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1};\n\n"
        f"USE {keyspace};\n\n"
        "CREATE TABLE IF NOT EXISTS schema_steps "
    )
    assert "\n-- Step 0001: tables\nCREATE TABLE IF NOT EXISTS events (\n" in shown.out
    assert "VALUES ('all', 1, 'tables', toTimestamp(now()));\n" in shown.out

    ran = (
        "Ran step 0001: tables.\nRan step 0002: recounts.\nRan step 0003: compaction.\nRan step 0004: waiting-totals.\n"
    )
    assert Typed(0, f"{ran}{store} is up to date.\n", "") == await type_in("schema", "migrate", "--store", store)
    assert Typed(0, f"-- {store} is up to date.\n", "") == await type_in("schema", "show", "--store", store)
    assert Typed(0, f"{store} is up to date.\n", "") == await type_in("schema", "migrate", "--store", store)


async def test_a_server_that_must_not_migrate_says_what_to_do(type_in: TypeIn, store: str) -> None:
    """It ends with the steps that are missing, and the command that runs them."""
    assert Typed(
        1,
        "",
        f"Error: {store} lacks steps of the schema: 0001 tables, 0002 recounts, 0003 compaction, 0004 waiting-totals. "
        "Run `eventmanager schema migrate`, or start without --no-migrate.\n",
    ) == await type_in("serve", "--listen", "127.0.0.1:0", "--no-migrate", "--store", store)


@pytest.mark.parametrize("command", ["show", "migrate"])
async def test_a_file_has_no_schema_to_migrate(type_in: TypeIn, command: str) -> None:
    """The server does that when it opens the file."""
    assert Typed(
        1,
        "",
        "Error: sqlite:events.db is no keyspace. The server brings a SQLite file up to date when it opens it.\n",
    ) == await type_in("schema", command, "--store", "sqlite:events.db")


async def test_a_wrong_address_is_told(type_in: TypeIn) -> None:
    """As for a server."""
    assert Typed(
        1,
        "",
        "Error: --store is 'cassandra://db1/Shop', "
        "but its keyspace 'Shop' is not a small letter and up to 47 of a-z, 0-9 and _.\n",
    ) == await type_in("schema", "show", "--store", "cassandra://db1/Shop")


async def test_a_cluster_that_is_away_is_told(type_in: TypeIn) -> None:
    """With what was tried."""
    typed = await type_in("schema", "show", "--store", "cassandra://127.0.0.1:1/shop")

    assert (1, "") == (typed.status, typed.out)
    assert typed.err.startswith(
        "Error: cassandra://127.0.0.1:1/shop cannot be asked: no node of cassandra://127.0.0.1:1/shop answers ("
    )


@pytest.mark.parametrize("command", ["serve", "schema show"])
async def test_a_missing_driver_is_asked_for(type_in: TypeIn, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Those who use SQLite do not need it; who uses Cassandra is told how to get it."""
    monkeypatch.setitem(sys.modules, "cassandra", None)  # As good as not installed.

    assert Typed(
        1,
        "",
        "Error: cassandra://db1:9042/shop is on Cassandra, whose driver is not installed. "
        "Install it: pip install 'eventmanager-live[cassandra]'\n",
    ) == await type_in(*command.split(), "--store", "cassandra://db1/shop")
