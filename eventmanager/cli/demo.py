"""`eventmanager demo`: a server, a day of traffic, and the reports about it."""

import asyncio
from typing import Annotated

import typer

from eventmanager.cli.failures import FailedError, sentence_of
from eventmanager.config import SQLITE_IN_MEMORY, Config


def demo(
    events: Annotated[
        int,
        typer.Option(
            "--events", envvar="EVENTMANAGER_DEMO_EVENTS", metavar="N", min=1, max=5_000_000, help="Events to send."
        ),
    ] = 100_000,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds",
            envvar="EVENTMANAGER_DEMO_SECONDS",
            metavar="SECONDS",
            min=0,
            help="How long to take for it; 0 is as fast as it goes.",
        ),
    ] = 8.0,
    serve: Annotated[
        bool, typer.Option("--serve", envvar="EVENTMANAGER_DEMO_SERVE", help="Go on serving afterwards, until Ctrl-C.")
    ] = False,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            envvar="EVENTMANAGER_DEMO_STORE",
            metavar="STORE",
            help="Where to keep it: [bold]sqlite:FILE[/bold], [bold]sqlite::memory:[/bold] or "
            "[bold]cassandra://HOST/KEYSPACE[/bold]. The app is `demo`.",
        ),
    ] = SQLITE_IN_MEMORY,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            envvar="EVENTMANAGER_DEMO_LISTEN",
            metavar="HOST:PORT",
            help="Where to listen; port 0 takes one that is free.",
        ),
    ] = "127.0.0.1:0",
    seed: Annotated[
        int,
        typer.Option(
            "--seed", envvar="EVENTMANAGER_DEMO_SEED", metavar="N", min=0, help="Other visitors for another number."
        ),
    ] = 7,
) -> None:
    """Start a server, send it a day of made-up traffic over gRPC, and show the reports.

    The traffic is that of a shop in the 24 hours before now. In a terminal the reports are shown while events come in;
    into a pipe they are printed once, at the end.

    [bold]Examples[/bold]

      eventmanager demo

      eventmanager demo --events 1000000 --seconds 30

      eventmanager demo --serve --listen 127.0.0.1:50051 --store sqlite:demo.db
    """
    config = Config(listen=listen, store=store, log_level="warning")
    from eventmanager.client import CallError
    from eventmanager.demo.show import show_demo
    from eventmanager.errors import StartError

    try:
        asyncio.run(show_demo(config, events, seconds, seed, serve=serve))
    except StartError as error:
        raise FailedError(str(error)) from None
    except CallError as error:
        raise FailedError(sentence_of(error)) from None
