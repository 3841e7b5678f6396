"""The commands in one, and how their failures are told: in a sentence, never a traceback."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import eventmanager
from eventmanager.cli import apps, audit, demo, report, schema, send, serve
from eventmanager.cli.commands import Command
from eventmanager.cli.failures import FailedError
from eventmanager.config import InvalidSettingError

application = typer.Typer(
    name="eventmanager",
    help="Record what visitors do on a site, and answer the dashboard's questions about it, over gRPC.",
    epilog="To see it work: [bold]eventmanager demo[/bold]",
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("serve", cls=Command)(serve.serve)
application.command("demo", cls=Command)(demo.demo)
application.command("send", cls=Command)(send.send)
application.command("audit", cls=Command)(audit.audit)
application.add_typer(report.application, name="report")
application.add_typer(apps.application, name="apps")
application.add_typer(schema.application, name="schema")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"eventmanager {eventmanager.__version__}")
        raise typer.Exit


@application.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit status."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for argument in sys.argv[1:] if arguments is None else arguments:
        if not argument.isascii() and argument.encode(errors="replace").decode() != argument:
            shown = escape(argument.encode(errors="backslashreplace").decode())
            errors.print(f"[red]Error:[/red] The argument {shown} is not UTF-8, as all texts of events and apps are.")
            return 2
    try:
        application(args=arguments, prog_name="eventmanager")
    except InvalidSettingError as error:
        errors.print(f"[red]Error:[/red] {escape(str(error))}")
        return 2
    except FailedError as error:
        errors.print(f"[red]Error:[/red] {escape(str(error))}")
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
