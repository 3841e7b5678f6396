"""`eventmanager apps`: makes, lists, shows and changes apps."""

import asyncio
import json
from typing import Annotated, Any, TypeAlias

import typer
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from live.eventmanager.v1.admin_service_pb2 import (
    App,
    CreateAppRequest,
    GetAppRequest,
    ListAppsRequest,
    Stage,
    UpdateAppRequest,
)
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eventmanager.cli.commands import Command
from eventmanager.cli.failures import connected
from eventmanager.cli.options import DEFAULT_TARGET, Json, Target
from eventmanager.cli.tables.figures import plain
from eventmanager.config import InvalidSettingError

_MOST_APPS_A_PAGE = 1_000

application = typer.Typer(
    help="Make, list, show and change apps: the sites whose visitors are counted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_Id: TypeAlias = Annotated[
    str, typer.Argument(metavar="APP", help="Its id: letters, digits, `.`, `_` and `-`, at most 64.")
]
_DisplayName: TypeAlias = Annotated[
    str | None,
    typer.Option("--display-name", envvar="EVENTMANAGER_DISPLAY_NAME", metavar="NAME", help="Its name for people."),
]
_RetentionDays: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--retention-days",
        envvar="EVENTMANAGER_RETENTION_DAYS",
        metavar="DAYS",
        help="Days that events and figures are kept; 0 for good. A longer time counts for days to come.",
    ),
]
_ShardCount: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--shard-count",
        envvar="EVENTMANAGER_SHARD_COUNT",
        metavar="N",
        help="Parts that each day is split into, a power of two. Counts from the day after next on.",
    ),
]
_Stages: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        envvar="EVENTMANAGER_STAGE",
        metavar="ID=NAME",
        help="A stage of its funnel, such as 1=/home; again for each, in order. In the variable: spaces between.",
    ),
]
_KeepUrlQueries: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--keep-url-queries/--drop-url-queries",
        envvar="EVENTMANAGER_KEEP_URL_QUERIES",
        help="Keep query strings and fragments of URLs. Counts for events to come.",
        show_default="drop",
    ),
]


@application.command("create", cls=Command)
def create(
    app: _Id,
    time_zone: Annotated[
        str,
        typer.Option(
            "--time-zone",
            envvar="EVENTMANAGER_TIME_ZONE",
            metavar="ZONE",
            help="IANA time zone that its days follow, such as Europe/Vienna. Cannot be changed.",
        ),
    ] = "UTC",
    display_name: _DisplayName = None,
    retention_days: _RetentionDays = None,
    shard_count: _ShardCount = None,
    stages: _Stages = None,
    keep_url_queries: _KeepUrlQueries = None,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Make an app.

    [bold]Example[/bold]

      eventmanager apps create shop --time-zone Europe/Vienna --stage 1=/home --stage 2=/products
    """
    wanted, _ = _told(app, display_name, retention_days, shard_count, stages, keep_url_queries)
    wanted.time_zone = time_zone

    async def call() -> App:
        async with connected(target) as channel:
            return (await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=wanted))).app

    _print(asyncio.run(call()), as_json=as_json)


@application.command("update", cls=Command)
def update(
    app: _Id,
    display_name: _DisplayName = None,
    retention_days: _RetentionDays = None,
    shard_count: _ShardCount = None,
    stages: _Stages = None,
    keep_url_queries: _KeepUrlQueries = None,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Change those settings of an app that are given, and no others.

    [bold]Example[/bold]

      eventmanager apps update shop --display-name "The shop" --retention-days 400
    """
    wanted, paths = _told(app, display_name, retention_days, shard_count, stages, keep_url_queries)
    if not paths:
        raise typer.BadParameter("Give at least one setting to change.")

    async def call() -> App:
        async with connected(target) as channel:
            request = UpdateAppRequest(app=wanted, update_mask=FieldMask(paths=paths))
            return (await AdminServiceStub(channel).UpdateApp(request)).app

    _print(asyncio.run(call()), as_json=as_json)


@application.command("show", cls=Command)
def show(app: _Id, target: Target = DEFAULT_TARGET, as_json: Json = False) -> None:
    """Show the settings of an app."""

    async def call() -> App:
        async with connected(target) as channel:
            return (await AdminServiceStub(channel).GetApp(GetAppRequest(app=app))).app

    _print(asyncio.run(call()), as_json=as_json)


@application.command("list", cls=Command)
def list_apps(target: Target = DEFAULT_TARGET, as_json: Json = False) -> None:
    """List the apps by id."""

    async def call() -> list[App]:
        apps: list[App] = []
        request = ListAppsRequest(page_size=_MOST_APPS_A_PAGE)
        async with connected(target) as channel:
            while True:
                page = await AdminServiceStub(channel).ListApps(request)
                apps += page.apps
                if not page.next_page_token:
                    return apps
                request.page_token = page.next_page_token

    apps = asyncio.run(call())
    if as_json:
        _print_json([_fields_of(app) for app in apps])
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("App", "Name", "Time zone", "Kept", "Stages"):
        table.add_column(heading, overflow="fold")
    for app in apps:
        table.add_row(app.app, plain(app.display_name), app.time_zone, _kept(app), str(len(app.stages)))
    Console().print(table if apps else "There are no apps yet.")


def _told(
    app: str,
    display_name: str | None,
    retention_days: int | None,
    shard_count: int | None,
    stages: list[str] | None,
    keep_url_queries: bool | None,
) -> tuple[App, list[str]]:
    """Return an app with the settings that were given, and the paths of these."""
    given: dict[str, Any] = {
        "display_name": display_name,
        "retention_days": retention_days,
        "shard_count": shard_count,
        "stages": [_stage(text) for text in stages] if stages else None,
        "keep_url_queries": keep_url_queries,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    return App(app=app, **settings), list(settings)


def _stage(text: str) -> Stage:
    number, _, name = text.partition("=")
    if not (number.isascii() and number.isdigit() and int(number) < 2**31):
        raise InvalidSettingError("--stage", text, "ID=NAME such as 1=/home")
    return Stage(stage=int(number), name=name)


def _kept(app: App) -> str:
    return f"{app.retention_days:,} days" if app.retention_days else "for good"


def _print(app: App, *, as_json: bool) -> None:
    if as_json:
        _print_json(_fields_of(app))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("App", app.app)
    table.add_row("Name", plain(app.display_name or "–"))
    table.add_row("Time zone", app.time_zone)
    table.add_row("Kept", _kept(app))
    table.add_row("Shards a day", str(app.shard_count))
    table.add_row("Query strings", "kept" if app.keep_url_queries else "dropped")
    table.add_row("Stages", Text("\n").join(plain(f"{stage.stage} {stage.name}") for stage in app.stages) or "–")
    Console().print(table)


def _fields_of(app: App) -> dict[str, object]:
    return json_format.MessageToDict(app, always_print_fields_with_no_presence=True)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201 - to be read by programs as it is.
