"""The schema's steps: run once, recorded, and safe when several servers start at once."""

import asyncio
import os
import uuid
from pathlib import Path

import pytest
from cassandra.cluster import Session

import eventmanager.store
from eventmanager.errors import StartError
from eventmanager.store.cassandra.address import CassandraAddress
from eventmanager.store.cassandra.connection import connect
from eventmanager.store.cassandra.migrations import CREATE_STEPS, Keyspace, split_statements, steps_of_code
from eventmanager.store.cassandra.opening import migrate_schema, missing_schema, open_keyspace
from eventmanager.store.cassandra.store import CassandraStore
from tests.store.cassandra.conftest import OpenStore

_SNAPSHOT = Path(eventmanager.store.__file__).parent / "schema" / "cassandra" / "snapshot.cql"


def described(session: Session, keyspace: str) -> list[tuple[object, ...]]:
    """Return every column of a keyspace, and every table's options that somebody chose."""
    columns = session.execute(
        "SELECT table_name, column_name, kind, position, type, clustering_order FROM system_schema.columns "
        f"WHERE keyspace_name = '{keyspace}'"
    )
    options = session.execute(
        f"SELECT table_name, compaction, compression, gc_grace_seconds FROM system_schema.tables "
        f"WHERE keyspace_name = '{keyspace}'"
    )
    return sorted(map(tuple, columns), key=str) + sorted(
        [
            (table, str(dict(compaction)), str(dict(compression)), gc_grace)
            for table, compaction, compression, gc_grace in options
        ]
    )


def make_keyspace(session: Session, address: CassandraAddress) -> None:
    """Make a keyspace without any table."""
    session.execute(
        f"CREATE KEYSPACE {address.keyspace} "
        "WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
    )


def test_steps_lead_to_the_snapshot(session: Session, own_address: CassandraAddress) -> None:
    """The tables that the steps make are those that the snapshot describes."""
    make_keyspace(session, own_address)
    connection = connect(own_address, "")
    connection.session.set_keyspace(own_address.keyspace)
    for statement in split_statements(_SNAPSHOT.read_text(encoding="utf-8")):
        connection.session.execute(statement)
    connection.close()

    assert described(session, own_address.keyspace) == described(session, "tests")


async def test_servers_that_start_at_once_make_one_schema(
    open_store: OpenStore, own_address: CassandraAddress, session: Session
) -> None:
    """Each of them finds it whole, and each step is recorded once."""
    stores = await asyncio.gather(*(open_store(keyspace_address=own_address) for _ in range(4)))

    for store in stores:
        await store.check()
    recorded = session.execute(f"SELECT step, name, holder FROM {own_address.keyspace}.schema_steps")

    assert [(step.number, step.name, None) for step in steps_of_code()] == list(recorded)
    assert "" == await missing_schema(own_address, os.environ)


async def test_a_table_that_is_being_made_is_waited_for(own_address: CassandraAddress) -> None:
    """The node lists it before it can read it; whoever looks in between sees no mistake."""
    maker, looker = connect(own_address, ""), connect(own_address, "")
    make_keyspace(maker.session, own_address)
    maker.session.set_keyspace(own_address.keyspace)
    keyspace = Keyspace(looker, own_address, uuid.uuid4)
    try:
        for _ in range(10):
            made = asyncio.create_task(asyncio.to_thread(maker.session.execute, CREATE_STEPS))
            while not made.done():
                assert list(steps_of_code()) == await asyncio.to_thread(keyspace.pending)
            await made
            maker.session.execute("DROP TABLE schema_steps")
    finally:
        maker.close()
        looker.close()


async def test_a_server_that_must_not_migrate_says_what_is_missing(own_address: CassandraAddress) -> None:
    """It names the steps and the command, and changes nothing; once migrated, it starts."""
    with pytest.raises(StartError) as refused:
        await open_keyspace(own_address, os.environ, migrate=False)

    assert (
        f"{own_address} lacks steps of the schema: 0001 tables, 0002 recounts, 0003 compaction, 0004 waiting-totals. "
        "Run `eventmanager schema migrate`, or start without --no-migrate."
    ) == str(refused.value)
    assert "" != await missing_schema(own_address, os.environ)
    assert list(steps_of_code()) == await migrate_schema(own_address, os.environ)

    store = await open_keyspace(own_address, os.environ, migrate=False)
    await store.close()


async def test_a_newer_schema_is_refused(
    own_store: CassandraStore, own_address: CassandraAddress, session: Session
) -> None:
    """A step that this code does not know was made by one that may keep things otherwise."""
    await own_store.check()
    session.execute(f"INSERT INTO {own_address.keyspace}.schema_steps (scope, step, name) VALUES ('all', 99, 'later')")

    with pytest.raises(StartError) as refused:
        await open_keyspace(own_address, os.environ)

    assert (
        f"{own_address} has step 99 of the schema, and this program knows {len(steps_of_code())} steps: "
        "a newer one has been here. Run that, or use another keyspace."
    ) == str(refused.value)


async def test_a_schema_left_half_done_is_finished(own_address: CassandraAddress, open_store: OpenStore) -> None:
    """Whoever died in the middle has made some tables and recorded nothing; its lease is gone after a while."""
    connection = connect(own_address, "")
    session = connection.session
    make_keyspace(session, own_address)
    session.set_keyspace(own_address.keyspace)
    session.execute(CREATE_STEPS)
    session.execute(steps_of_code()[0].statements[0])
    session.execute("UPDATE schema_steps USING TTL 2 SET holder = %s WHERE scope = 'all'", (uuid.uuid4(),))
    connection.close()

    store = await open_store(keyspace_address=own_address)
    await store.check()

    assert "" == await missing_schema(own_address, os.environ)


async def test_a_keyspace_has_the_replicas_asked_for(own_address: CassandraAddress, session: Session) -> None:
    """By default as many as there are nodes, up to three; here there is one."""
    await migrate_schema(own_address, os.environ)

    ((replication,),) = session.execute(
        f"SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '{own_address.keyspace}'"
    )

    assert {
        "class": "org.apache.cassandra.locator.NetworkTopologyStrategy",
        "datacenter1": "1",
    } == dict(replication)


def test_a_change_that_is_refused_is_told(own_address: CassandraAddress) -> None:
    """Here somebody else has a table of the same name that is none of ours."""
    connection = connect(own_address, "")
    try:
        make_keyspace(connection.session, own_address)
        connection.session.execute(f"CREATE TABLE {own_address.keyspace}.schema_steps (a int PRIMARY KEY)")

        with pytest.raises(StartError, match=f"^Cassandra refuses a change that {own_address} needs: InvalidRequest: "):
            Keyspace(connection, own_address, uuid.uuid4).open(migrate=True)
    finally:
        connection.close()


async def test_what_is_missing_can_be_run_by_hand(own_address: CassandraAddress, session: Session) -> None:
    """The CQL that is shown makes the schema, and then nothing is missing."""
    script = await missing_schema(own_address, os.environ)
    connection = connect(own_address, "")
    for statement in split_statements(script):
        connection.session.execute(statement)
    connection.close()

    assert "" == await missing_schema(own_address, os.environ)
    assert described(session, own_address.keyspace) == described(session, "tests")
