"""Opens a keyspace: connects, brings the schema up to date, prepares the statements."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence

from eventmanager.blocks import Block
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.store.cassandra.address import CassandraAddress, read_password
from eventmanager.store.cassandra.commit import Members
from eventmanager.store.cassandra.connection import Connection, connect
from eventmanager.store.cassandra.migrations import Keyspace, Step
from eventmanager.store.cassandra.statements import Statements
from eventmanager.store.cassandra.store import CassandraStore, StoreOptions


async def open_keyspace(
    address: CassandraAddress,
    environment: Mapping[str, str],
    *,
    migrate: bool = True,
    for_recounts: bool = False,
    options: StoreOptions | None = None,
) -> CassandraStore:
    """Open the store at an address; the environment has the password.

    Raises StoreUnavailableError where the cluster does not answer yet, and StartError where it never will.
    """
    options = options or StoreOptions()

    def open_blocking() -> tuple[Connection, Statements]:
        connection = connect(address, read_password(address, environment))
        try:
            Keyspace(connection, address, options.new_id).open(migrate=migrate)
            return connection, Statements(connection.session, for_recounts=for_recounts)
        except BaseException:
            connection.close()
            raise

    connection, statements = await asyncio.to_thread(open_blocking)
    return CassandraStore(connection, statements, members_of, options)


async def missing_schema(address: CassandraAddress, environment: Mapping[str, str]) -> str:
    """Return what would bring the keyspace's schema up to date, in CQL. Raises as `open_keyspace` does."""

    def ask() -> str:
        connection = connect(address, read_password(address, environment))
        try:
            return Keyspace(connection, address, uuid.uuid4).script()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def migrate_schema(address: CassandraAddress, environment: Mapping[str, str]) -> Sequence[Step]:
    """Bring the keyspace's schema up to date, and return the steps that it lacked. Raises as `open_keyspace` does."""

    def run() -> Sequence[Step]:
        connection = connect(address, read_password(address, environment))
        try:
            keyspace = Keyspace(connection, address, uuid.uuid4)
            lacking = keyspace.pending()
            keyspace.migrate()
            return lacking
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def members_of(blocks: Sequence[Block]) -> Members:
    """Return all set rows that blocks tell of, as somebody who remembers nothing folds them."""
    return fold(blocks, Memory(0)).members
