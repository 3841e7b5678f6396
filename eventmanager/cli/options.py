"""Options that several commands share."""

from typing import Annotated, Final, TypeAlias

import typer

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
