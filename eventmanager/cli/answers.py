"""Asks a server's questions and prints the answers: tables for people, protobuf JSON for programs."""

import datetime
import json
from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf import json_format
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from rich.console import Console

from eventmanager.cli.failures import connected
from eventmanager.cli.questions import Answer, Question, every_question

_MOST_DAYS_BY_HOUR: Final = 2
_MOST_DAYS_BY_DAY: Final = 62


async def print_answer(question: Question, target: str, *, as_json: bool) -> None:
    """Ask one question. Raises FailedError."""
    async with connected(target) as channel:
        answer = await question.ask(channel)
    if as_json:
        _print_json(_fields_of(answer))
        return
    console = Console()
    console.print(question.show(answer))
    if question.most_rows is not None and answer.next_page_token:
        console.print("There is more: see --limit.", style="dim")


async def print_every_answer(app: str, dates: analytics.DateRange, target: str, *, as_json: bool) -> None:
    """Ask everything that is not about one visitor. Raises FailedError."""
    async with connected(target) as channel:
        questions = every_question(app, dates, await _traffic_interval(channel, app, dates))
        answers = [await question.ask(channel) for question in questions]
    if as_json:
        by_name = {question.name: _fields_of(answer) for question, answer in zip(questions, answers, strict=True)}
        _print_json(by_name)
        return
    console = Console()
    for question, answer in zip(questions, answers, strict=True):
        console.print(question.show(answer))


async def _traffic_interval(
    channel: grpc.aio.Channel, app: str, dates: analytics.DateRange
) -> analytics.Interval.ValueType:
    """Choose rows that suit the number of days, which only the server can tell of dates such as `-6d`."""
    whole = await Question("", "QueryTraffic", analytics.QueryTrafficRequest(app=app, date_range=dates), str).ask(
        channel
    )
    first, last = (
        datetime.date.fromisoformat(date) for date in (whole.info.date_range.start_date, whole.info.date_range.end_date)
    )
    days = (last - first).days + 1
    if days <= _MOST_DAYS_BY_HOUR:
        return analytics.INTERVAL_HOUR
    return analytics.INTERVAL_DAY if days <= _MOST_DAYS_BY_DAY else analytics.INTERVAL_MONTH


def _fields_of(answer: Answer) -> dict[str, object]:
    return json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)


def _print_json(fields: Mapping[str, object]) -> None:
    print(json.dumps(fields, indent=2, ensure_ascii=False))  # noqa: T201 - to be read by programs as it is.
