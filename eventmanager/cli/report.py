"""`eventmanager report`: the dashboard's questions, answered as tables and bars, or as JSON."""

import asyncio
from typing import Annotated

import typer
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.analytics_service_pb2 import DateRange

from eventmanager.cli.answers import print_answer, print_every_answer
from eventmanager.cli.commands import Command
from eventmanager.cli.intervals import By, Every, EveryHourToo, interval_of
from eventmanager.cli.options import DEFAULT_TARGET, App, First, Json, Last, Limit, Page, RowsEvery, Target
from eventmanager.cli.questions import Question, platforms
from eventmanager.cli.tables import pages, stages, visitors

application = typer.Typer(
    help="Answer the dashboard's questions, as tables and bars or as JSON.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@application.command("all", cls=Command)
def all_reports(
    app: App, first: First = "", last: Last = "", target: Target = DEFAULT_TARGET, as_json: Json = False
) -> None:
    """Answer everything that is not about one visitor, at a glance.

    [bold]Example[/bold]

      eventmanager report all --app shop --from -6d
    """
    asyncio.run(print_every_answer(app, DateRange(start_date=first, end_date=last), target, as_json=as_json))


@application.command("stage-users", cls=Command)
def stage_users(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count the distinct visitors of each stage."""
    request = analytics.QueryStageUsersRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), interval=interval_of(every)
    )
    _answer(Question("stage-users", "QueryStageUsers", request, stages.stage_users), target, as_json=as_json)


@application.command("stage-times", cls=Command)
def stage_times(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    only_stages: Annotated[
        list[int] | None,
        typer.Option(
            "--only-stage",
            envvar="EVENTMANAGER_ONLY_STAGE",
            metavar="STAGE",
            help="Only this stage; may be given again.",
        ),
    ] = None,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Tell how long visitors spend on each stage."""
    request = analytics.QueryStageTimesRequest(
        app=app,
        date_range=DateRange(start_date=first, end_date=last),
        interval=interval_of(every),
        stages=only_stages or [],
    )
    _answer(Question("stage-times", "QueryStageTimes", request, stages.stage_times), target, as_json=as_json)


@application.command("conversion", cls=Command)
def conversion(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count the distinct visitors of each stage as shares of all visitors."""
    request = analytics.QueryConversionRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), interval=interval_of(every)
    )
    _answer(Question("conversion", "QueryConversion", request, stages.conversion), target, as_json=as_json)


@application.command("stage-graph", cls=Command)
def stage_graph(
    app: App,
    first: First = "",
    last: Last = "",
    min_users: Annotated[
        int,
        typer.Option(
            "--min-users",
            envvar="EVENTMANAGER_MIN_USERS",
            metavar="N",
            help="Leave out moves that fewer visitors made.",
        ),
    ] = 0,
    limit: Limit = 200,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Show the moves from stage to stage, most visitors first."""
    request = analytics.QueryStageGraphRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), min_users=min_users, max_edges=limit
    )
    _answer(Question("stage-graph", "QueryStageGraph", request, stages.stage_graph), target, as_json=as_json)


@application.command("button-actions", cls=Command)
def button_actions(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    button: Annotated[
        str,
        typer.Option("--button", envvar="EVENTMANAGER_BUTTON", metavar="XPATH", help="Only this button."),
    ] = "",
    limit: Limit = 50,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Tell how hovers over buttons end, and after how long."""
    request = analytics.QueryButtonActionsRequest(
        app=app,
        date_range=DateRange(start_date=first, end_date=last),
        interval=interval_of(every),
        target=button,
    )
    question = Question("button-actions", "QueryButtonActions", request, pages.button_actions, limit)
    _answer(question, target, as_json=as_json)


@application.command("page-views", cls=Command)
def page_views(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    page: Page = "",
    limit: Limit = 50,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count the views of each page and the time spent on it."""
    request = analytics.QueryPageViewsRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), interval=interval_of(every), url=page
    )
    _answer(Question("page-views", "QueryPageViews", request, pages.page_views, limit), target, as_json=as_json)


@application.command("click-targets", cls=Command)
def click_targets(
    app: App,
    first: First = "",
    last: Last = "",
    every: RowsEvery = Every.RANGE,
    page: Page = "",
    limit: Limit = 50,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count the clicks on each element."""
    request = analytics.QueryClickTargetsRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), interval=interval_of(every), current_url=page
    )
    question = Question("click-targets", "QueryClickTargets", request, pages.click_targets, limit)
    _answer(question, target, as_json=as_json)


@application.command("platforms", cls=Command)
def platforms_report(
    app: App,
    by: Annotated[
        By, typer.Option("--by", envvar="EVENTMANAGER_BY", help="What to tell visitors apart by.")
    ] = By.BROWSER,
    first: First = "",
    last: Last = "",
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count the distinct visitors of each browser, operating system or device."""
    _answer(platforms(app, DateRange(start_date=first, end_date=last), by), target, as_json=as_json)


@application.command("traffic", cls=Command)
def traffic(
    app: App,
    first: First = "",
    last: Last = "",
    every: Annotated[
        EveryHourToo, typer.Option("--every", envvar="EVENTMANAGER_EVERY", help="What a row stands for.")
    ] = EveryHourToo.HOUR,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """Count events and visitors over time."""
    request = analytics.QueryTrafficRequest(
        app=app, date_range=DateRange(start_date=first, end_date=last), interval=interval_of(every)
    )
    _answer(Question("traffic", "QueryTraffic", request, visitors.traffic), target, as_json=as_json)


@application.command("device-events", cls=Command)
def device_events(
    app: App,
    device: Annotated[
        str,
        typer.Option("--device", envvar="EVENTMANAGER_DEVICE", metavar="ID", help="The visitor."),
    ],
    first: First = "",
    last: Last = "",
    limit: Limit = 50,
    target: Target = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """List what one visitor did, oldest first."""
    question = Question(
        "device-events",
        "ListDeviceEvents",
        analytics.ListDeviceEventsRequest(
            app=app, device_id=device, date_range=DateRange(start_date=first, end_date=last)
        ),
        lambda answer: visitors.device_events(answer, device),
        limit,
    )
    _answer(question, target, as_json=as_json)


def _answer(question: Question, target: str, *, as_json: bool) -> None:
    asyncio.run(print_answer(question, target, as_json=as_json))
