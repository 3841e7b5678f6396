"""`eventmanager schema`: shows what a keyspace's schema lacks, and brings it up to date."""

import asyncio
import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from eventmanager.cli.commands import Command
from eventmanager.cli.failures import FailedError

if TYPE_CHECKING:
    from eventmanager.store.cassandra.address import CassandraAddress

application = typer.Typer(
    help="Show or make the tables of a keyspace of Cassandra, for those who let no server do it (--no-migrate).",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_Answer = TypeVar("_Answer")

_Store: TypeAlias = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="EVENTMANAGER_STORE",
        metavar="STORE",
        help="The keyspace: [bold]cassandra://HOST/KEYSPACE[/bold], as for `serve`.",
    ),
]


@application.command("show", cls=Command)
def show(store: _Store) -> None:
    """Print what `migrate` would run, in CQL that cqlsh runs, too, and change nothing.

    [bold]Example[/bold]

      eventmanager schema show --store cassandra://db1/events
    """
    address = _cassandra_address(store)
    from eventmanager.store.cassandra.opening import missing_schema

    script = _answered(address, missing_schema(address, os.environ))
    typer.echo(script or f"-- {address} is up to date.\n", nl=False)


@application.command("migrate", cls=Command)
def migrate(store: _Store) -> None:
    """Make the keyspace if it is missing, and bring its schema up to date. Servers may run meanwhile.

    [bold]Example[/bold]

      eventmanager schema migrate --store 'cassandra://db1/events?replication=3'
    """
    address = _cassandra_address(store)
    from eventmanager.store.cassandra.opening import migrate_schema

    for step in _answered(address, migrate_schema(address, os.environ)):
        typer.echo(f"Ran step {step.number:04}: {step.name}.")
    typer.echo(f"{address} is up to date.")


def _cassandra_address(store: str) -> "CassandraAddress":
    from eventmanager.errors import StartError
    from eventmanager.store.address import SQLiteAddress, need_driver, parse_store_address

    try:
        address = parse_store_address(store)
        if isinstance(address, SQLiteAddress):
            raise FailedError(f"{store} is no keyspace. The server brings a SQLite file up to date when it opens it.")
        need_driver(address)
    except StartError as error:
        raise FailedError(str(error)) from None
    return address


def _answered(address: "CassandraAddress", answer: Coroutine[Any, Any, _Answer]) -> _Answer:
    from eventmanager.errors import StartError, StoreUnavailableError

    try:
        return asyncio.run(answer)
    except StartError as error:
        raise FailedError(str(error)) from None
    except StoreUnavailableError as error:
        raise FailedError(f"{address} cannot be asked: {error.cause}.") from None
