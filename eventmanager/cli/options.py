"""Options that several commands share."""

from typing import Annotated, Final, TypeAlias

import typer

from eventmanager.cli.intervals import Every

DEFAULT_TARGET: Final = "127.0.0.1:50051"

Target: TypeAlias = Annotated[
    str,
    typer.Option("--target", envvar="EVENTMANAGER_TARGET", metavar="HOST:PORT", help="The server to call."),
]
App: TypeAlias = Annotated[
    str,
    typer.Option("--app", envvar="EVENTMANAGER_APP", metavar="APP", help="Id of the app, such as 007 or shop."),
]
Json: TypeAlias = Annotated[
    bool,
    typer.Option("--json", envvar="EVENTMANAGER_JSON", help="Print protobuf JSON, for programs."),
]
First: TypeAlias = Annotated[
    str,
    typer.Option(
        "--from",
        envvar="EVENTMANAGER_FROM",
        metavar="DATE",
        help="First day: 2026-11-24, today, or days before today such as -6d.",
        show_default="the last day",
    ),
]
Last: TypeAlias = Annotated[
    str,
    typer.Option(
        "--to",
        envvar="EVENTMANAGER_TO",
        metavar="DATE",
        help="Last day, in the same forms.",
        show_default="today",
    ),
]
RowsEvery: TypeAlias = Annotated[
    Every, typer.Option("--every", envvar="EVENTMANAGER_EVERY", help="What a row stands for.")
]
Limit: TypeAlias = Annotated[
    int,
    typer.Option("--limit", envvar="EVENTMANAGER_LIMIT", metavar="N", min=1, help="Most rows to show."),
]
Page: TypeAlias = Annotated[
    str, typer.Option("--page", envvar="EVENTMANAGER_PAGE", metavar="URL", help="Only this page.")
]
