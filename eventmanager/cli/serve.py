"""`eventmanager serve`: the server, until it is told to stop."""

import dataclasses
from typing import Annotated, Any, Final

import typer

from eventmanager.cli.failures import FailedError
from eventmanager.config import LOG_LEVELS, Config

_DEFAULTS: Final[dict[str, Any]] = {field.name: field.default for field in dataclasses.fields(Config)}
_LIMITS: Final = "Limits"
_NEW_APPS: Final = "Apps that are not known yet"


def serve(
    listen: Annotated[
        str,
        typer.Option(
            envvar="EVENTMANAGER_LISTEN",
            metavar="HOST:PORT",
            help="Where to listen. Port 0 takes one that is free, and the log says which.",
        ),
    ] = _DEFAULTS["listen"],
    store: Annotated[
        str,
        typer.Option(
            envvar="EVENTMANAGER_STORE",
            metavar="STORE",
            help="Where to keep everything: [bold]sqlite:FILE[/bold], [bold]sqlite::memory:[/bold] to forget it, "
            "or [bold]cassandra://HOST/KEYSPACE[/bold].",
        ),
    ] = _DEFAULTS["store"],
    migrate: Annotated[
        bool,
        typer.Option(
            "--migrate/--no-migrate",
            envvar="EVENTMANAGER_MIGRATE",
            help="Bring the schema of a keyspace up to date, or refuse to start and say what it lacks.",
        ),
    ] = _DEFAULTS["migrate"],
    allow_new_apps: Annotated[
        bool | None,
        typer.Option(
            "--allow-new-apps/--no-allow-new-apps",
            envvar="EVENTMANAGER_ALLOW_NEW_APPS",
            help="Make an app that is not known when its first event comes.",
            show_default="on SQLite allowed, on Cassandra not",
            rich_help_panel=_NEW_APPS,
        ),
    ] = _DEFAULTS["allow_new_apps"],
    new_app_time_zone: Annotated[
        str,
        typer.Option(
            envvar="EVENTMANAGER_NEW_APP_TIME_ZONE",
            metavar="ZONE",
            help="IANA time zone of apps made so, such as Europe/Vienna. An app's zone cannot be changed.",
            rich_help_panel=_NEW_APPS,
        ),
    ] = _DEFAULTS["new_app_time_zone"],
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            envvar="EVENTMANAGER_INSECURE",
            help="Listen beyond this machine although nothing is encrypted and anyone may call.",
        ),
    ] = _DEFAULTS["insecure"],
    max_events: Annotated[
        int,
        typer.Option(
            envvar="EVENTMANAGER_MAX_EVENTS", metavar="N", help="Most events in one request.", rich_help_panel=_LIMITS
        ),
    ] = _DEFAULTS["max_events"],
    max_request_bytes: Annotated[
        int,
        typer.Option(
            envvar="EVENTMANAGER_MAX_REQUEST_BYTES",
            metavar="BYTES",
            help="Most bytes of one request.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS["max_request_bytes"],
    max_clock_skew_s: Annotated[
        int,
        typer.Option(
            "--max-clock-skew",
            envvar="EVENTMANAGER_MAX_CLOCK_SKEW",
            metavar="SECONDS",
            help="How far ahead of this machine's clock an event may be.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS["max_clock_skew_s"],
    remembered_ids: Annotated[
        int,
        typer.Option(
            envvar="EVENTMANAGER_REMEMBERED_IDS",
            metavar="N",
            help="How many ids of events to remember, to tell duplicates.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS["remembered_ids"],
    max_waiting_events: Annotated[
        int,
        typer.Option(
            envvar="EVENTMANAGER_MAX_WAITING_EVENTS",
            metavar="N",
            help="How many events may wait to be stored before senders are told to wait.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS["max_waiting_events"],
    grace_s: Annotated[
        float,
        typer.Option(
            "--grace",
            envvar="EVENTMANAGER_GRACE",
            metavar="SECONDS",
            help="How long to go on answering what is in hand after SIGTERM or Ctrl-C.",
            rich_help_panel=_LIMITS,
        ),
    ] = _DEFAULTS["grace_s"],
    workers: Annotated[
        int,
        typer.Option(
            envvar="EVENTMANAGER_WORKERS",
            metavar="N",
            help="How many processes share the port, on Cassandra. One for each core is right.",
        ),
    ] = _DEFAULTS["workers"],
    prepare_beside: Annotated[
        bool | None,
        typer.Option(
            "--prepare-beside/--no-prepare-beside",
            envvar="EVENTMANAGER_PREPARE_BESIDE",
            help="Check large requests in a process of their own, so that two cores work on what comes in.",
            show_default="where there is a second core, and no --workers",
        ),
    ] = _DEFAULTS["prepare_beside"],
    log_level: Annotated[
        str,
        typer.Option(envvar="EVENTMANAGER_LOG_LEVEL", metavar="LEVEL", help=f"What to log: {', '.join(LOG_LEVELS)}."),
    ] = _DEFAULTS["log_level"],
) -> None:
    """Run the server until SIGTERM or Ctrl-C, then finish what is in hand.

    Events and figures are kept in one SQLite file or in a keyspace of Cassandra. An event that was answered as stored
    is on disk.

    [bold]Examples[/bold]

      eventmanager serve
      eventmanager serve --listen 127.0.0.1:6000 --store sqlite:/var/lib/eventmanager/events.db
      EVENTMANAGER_NEW_APP_TIME_ZONE=Europe/Vienna eventmanager serve --store sqlite::memory:
      eventmanager serve --store 'cassandra://db1,db2:9042/events?replication=3&user=eventmanager' --workers 4
    """
    config = Config(
        listen=listen,
        store=store,
        migrate=migrate,
        allow_new_apps=allow_new_apps,
        new_app_time_zone=new_app_time_zone,
        insecure=insecure,
        max_events=max_events,
        max_request_bytes=max_request_bytes,
        max_clock_skew_s=max_clock_skew_s,
        remembered_ids=remembered_ids,
        max_waiting_events=max_waiting_events,
        grace_s=grace_s,
        workers=workers,
        prepare_beside=prepare_beside,
        log_level=log_level,
    )
    import asyncio

    from eventmanager.errors import StartError
    from eventmanager.freed_memory import keep_freed_memory
    from eventmanager.server import serve as serve_alone
    from eventmanager.workers import log_to_stderr, serve_with_workers

    log_to_stderr(config.log_level)
    keep_freed_memory()
    try:
        asyncio.run(serve_alone(config) if config.workers == 1 else serve_with_workers(config))
    except StartError as error:
        raise FailedError(str(error)) from None
