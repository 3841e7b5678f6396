"""One question of every kind; and whether those about distinct visitors are answered as the model has it."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import Message
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_UNSPECIFIED,
    PLATFORM_DIMENSION_BROWSER,
    DateRange,
    QueryButtonActionsRequest,
    QueryClickTargetsRequest,
    QueryConversionRequest,
    QueryPageViewsRequest,
    QueryPlatformsRequest,
    QueryStageGraphRequest,
    QueryStageTimesRequest,
    QueryStageUsersRequest,
    QueryTrafficRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from tests.audit.model import Model
from tests.recount.comparison import differences
from tests.recount.page_reports import button_actions, click_targets, page_views
from tests.recount.question import Question
from tests.recount.stage_reports import conversion, stage_graph, stage_times, stage_users
from tests.recount.visitor_reports import platforms, traffic
from tests.traffic import USER_AGENTS


async def ask_two(channel: grpc.aio.Channel, app: str, first: datetime.date, last: datetime.date) -> None:
    """Ask one report that reads a set, and one that reads totals."""
    analytics = AnalyticsServiceStub(channel)
    asked: dict[str, Any] = {"app": app, "date_range": _range(first, last)}
    await analytics.QueryStageUsers(QueryStageUsersRequest(**asked))
    await analytics.QueryPageViews(QueryPageViewsRequest(**asked))


async def ask_all(channel: grpc.aio.Channel, app: str, first: datetime.date, last: datetime.date) -> Mapping[str, Any]:
    """Return one answer of each report."""
    analytics = AnalyticsServiceStub(channel)
    asked: dict[str, Any] = {"app": app, "date_range": _range(first, last)}
    return {
        "users": await analytics.QueryStageUsers(QueryStageUsersRequest(**asked)),
        "conversion": await analytics.QueryConversion(QueryConversionRequest(**asked)),
        "platforms": await analytics.QueryPlatforms(
            QueryPlatformsRequest(**asked, dimension=PLATFORM_DIMENSION_BROWSER)
        ),
        "graph": await analytics.QueryStageGraph(QueryStageGraphRequest(**asked)),
        "times": await analytics.QueryStageTimes(QueryStageTimesRequest(**asked)),
        "buttons": await analytics.QueryButtonActions(QueryButtonActionsRequest(**asked)),
        "pages": await analytics.QueryPageViews(QueryPageViewsRequest(**asked)),
        "clicks": await analytics.QueryClickTargets(QueryClickTargetsRequest(**asked)),
        "traffic": await analytics.QueryTraffic(QueryTrafficRequest(**asked)),
    }


async def wrong_sets(channel: grpc.aio.Channel, model: Model, first: datetime.date, last: datetime.date) -> list[str]:
    """Say in what distinct visitors differ from the model; moves are compared where each names the stage left."""
    analytics = AnalyticsServiceStub(channel)
    question = Question(model.counted(), model.app, first, last, INTERVAL_UNSPECIFIED)
    asked: dict[str, Any] = {"app": model.app.app, "date_range": _range(first, last)}
    users = await analytics.QueryStageUsers(QueryStageUsersRequest(**asked))
    found = differences(stage_users(question), users.rows, "stage users")
    rates = await analytics.QueryConversion(QueryConversionRequest(**asked))
    found += differences(conversion(question), rates.rows, "conversion")
    if not question.events():
        return found
    browsers = QueryPlatformsRequest(**asked, dimension=PLATFORM_DIMENSION_BROWSER)
    shares = await analytics.QueryPlatforms(browsers)
    rows, total = platforms(question, "browser", USER_AGENTS)
    found += differences(rows, shares.rows, "browsers")
    if total != shares.total_users:
        found.append(f"visitors: {total} wanted, {shares.total_users} there")
    if model.tells_stages_left:
        graph = await analytics.QueryStageGraph(QueryStageGraphRequest(**asked))
        found += differences(stage_graph(question)[0], graph.edges, "stage graph")
    return found


async def wrong_totals(channel: grpc.aio.Channel, model: Model, first: datetime.date, last: datetime.date) -> list[str]:
    """Say in what times, hovers, views, clicks and traffic differ from the model."""
    answers = await ask_all(channel, model.app.app, first, last)
    question = Question(model.counted(), model.app, first, last, INTERVAL_UNSPECIFIED)
    expected: dict[str, Sequence[Message]] = {
        "times": stage_times(question),
        "buttons": button_actions(question, ""),
        "pages": page_views(question, ""),
        "clicks": click_targets(question, ""),
        "traffic": traffic(question),
    }
    return [text for report, rows in expected.items() for text in differences(rows, answers[report].rows, report)]


def _range(first: datetime.date, last: datetime.date) -> DateRange:
    return DateRange(start_date=first.isoformat(), end_date=last.isoformat())
