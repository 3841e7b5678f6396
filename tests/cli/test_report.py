"""`eventmanager report`: the same answers as tables for people and as JSON for programs."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.client import connect
from eventmanager.server import Server
from tests.cli.conftest import NO_APP, Typed, TypeIn
from tests.conftest import NOON_S

DAY_MS = 86_400_000
NOON_MS = int(NOON_S * 1000)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def event(kind: int, device_id: str, before_noon_ms: int = 0, /, **fields: Any) -> dict[str, Any]:
    """Make an event of the original format."""
    return {"type": kind, "device_id": device_id, "timestamp": NOON_MS - before_noon_ms, **fields}


def events() -> list[dict[str, Any]]:
    """Return the events of two visitors yesterday and today."""
    buy = "//*[@id='buy']"
    return [
        event(1, "u1", DAY_MS, to="/home"),
        event(3, "u1", DAY_MS, action="onUrlChange", entered=1),
        event(1, "u1", 7_200_000, to="/home"),
        event(3, "u1", 7_200_000, action="onUrlChange", entered=1),
        event(3, "u1", action="onClick", entered=2, left=1, elapsed_time=24),
        event(1, "u1", **{"from": "/home"}, to="/products", elapsed_time=75),
        event(3, "u2", action="onUrlChange", entered=1, user_agent=FIREFOX),
        event(0, "u2", target=buy, current_url="/home"),
        event(2, "u2", target=buy, action="hover-then-clicked", elapsed_time=2),
        event(2, "u1", target=buy, action="hover-then-leave", elapsed_time=0.5, event_id="b"),
        event(2, "u1", target=buy, action="hover-then-leave", elapsed_time=0.25, event_id="a"),
    ]


@pytest.fixture
async def shop(server: Server, type_in: TypeIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that has those events, and is the one that commands call."""
    monkeypatch.setenv("EVENTMANAGER_TARGET", server.address)
    monkeypatch.setenv("EVENTMANAGER_APP", "shop")
    file = tmp_path / "events"
    file.write_text("\n".join(map(json.dumps, events())))
    assert 0 == (await type_in("apps", "create", "shop", "--stage", "1=/home", "--stage", "2=/products")).status
    assert 0 == (await type_in("send", str(file))).status
    return server


LINE = "─" * 100
TABLES = {
    "stage-users --from -1d --every day": f"""\
Visitors of each stage  2026-06-16 to 2026-06-17 (UTC)
Date         Stage         Visitors
{LINE}
2026-06-16   1 /home              1   ███████████████████████████████
2026-06-17   1 /home              2   ██████████████████████████████████████████████████████████████
2026-06-17   2 /products          1   ███████████████████████████████

""",
    "stage-times": f"""\
Time spent on each stage  2026-06-17 (UTC)
Stage     Hits   Average   Median      p90
{LINE}
1 /home      3    24.0 s   24.1 s   24.1 s   ███████████████████████████████████████████████████████

""",
    "conversion": f"""\
Conversion: visitors of each stage among all  2026-06-17 (UTC)
Stage         Visitors   Of      Rate
{LINE}
1 /home              2    2   100.0 %   ████████████████████████████████████████████████████████████
2 /products          1    2    50.0 %   ██████████████████████████████

""",
    "stage-graph": f"""\
Moves from stage to stage  2026-06-17 (UTC)
From      To            Visitors
{LINE}
1 /home   2 /products          1   █████████████████████████████████████████████████████████████████

""",
    "button-actions": f"""\
How hovers over buttons end  2026-06-17 (UTC)
Button                       Hovers        Clicked       after         Left after        Correlation
{LINE}
//*[@id='buy']                    3         33.3 %       2.0 s             375 ms              +0.99

How long a hover over //*[@id='buy'] lasts, and how often it is clicked then  2026-06-17 (UTC)
  From       To   Hovers   Clicked
{LINE}
128 ms   256 ms        1     0.0 %
256 ms   512 ms        1     0.0 %
 1.0 s    2.0 s        1   100.0 %   ███████████████████████████████████████████████████████████████

""",
    "page-views --from -1d --limit 1": f"""\
Views of each page  2026-06-16 to 2026-06-17 (UTC)
Page    Views      Average       Median          p90
{LINE}
/home       2   1 min 15 s   1 min 16 s   1 min 16 s   █████████████████████████████████████████████

There is more: see --limit.
""",
    "click-targets": f"""\
Clicks on each element  2026-06-17 (UTC)
Page    Element          Clicks
{LINE}
/home   //*[@id='buy']        1   ██████████████████████████████████████████████████████████████████

""",
    "platforms": f"""\
Browsers of 2 visitors  2026-06-17 (UTC)
Browsers   Visitors    Share
{LINE}
Firefox           1   50.0 %   ██████████████████████████████████▌
unknown           1   50.0 %   ██████████████████████████████████▌

""",
    "traffic": f"""\
Traffic  2026-06-17 (UTC)
From               Clicks   Pages   Hovers   Stages
{LINE}
Wed 17 Jun 10:00        0       1        0        1   █████████████▏
Wed 17 Jun 11:00        0       0        0        0
Wed 17 Jun 12:00        1       1        3        2   ██████████████████████████████████████████████

""",
    "traffic --from -1d --every day": f"""\
Traffic  2026-06-16 to 2026-06-17 (UTC)
From             Clicks   Pages   Hovers   Stages   Visitors
{LINE}
Tue 2026-06-16        0       1        0        1          1   ████████▏
Wed 2026-06-17        1       2        3        3          2   █████████████████████████████████████

""",
    "device-events --device u1": f"""\
Events of u1  UTC
Time                            What                        Where                              After
{LINE}
2026-06-17 10:00:00             page                        /home                                  –
2026-06-17 10:00:00             stage                       1                                      –
2026-06-17 12:00:00             stage                       2                                 24.0 s
2026-06-17 12:00:00             page                        /products                     1 min 15 s
2026-06-17 12:00:00             hover then leave            //*[@id='buy']                    250 ms
2026-06-17 12:00:00             hover then leave            //*[@id='buy']                    500 ms

""",
}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("command", "table"), TABLES.items())
async def test_each_report_is_a_table(type_in: TypeIn, command: str, table: str) -> None:
    """For people each report is a table with bars, under a title that names its days."""
    assert Typed(0, table, "") == await type_in("report", *command.split())


@pytest.mark.parametrize(
    ("command", "method", "request_fields"),
    [
        ("stage-users --every week", "QueryStageUsers", {"interval": "INTERVAL_WEEK"}),
        ("stage-times --only-stage 2 --only-stage 1", "QueryStageTimes", {"stages": [2, 1]}),
        ("button-actions --button //*[@id='buy']", "QueryButtonActions", {"target": "//*[@id='buy']"}),
        ("stage-graph --min-users 2 --limit 7", "QueryStageGraph", {"min_users": 2, "max_edges": 7}),
        ("conversion --every month", "QueryConversion", {"interval": "INTERVAL_MONTH"}),
        ("page-views --page /home", "QueryPageViews", {"url": "/home"}),
        ("click-targets --page /home", "QueryClickTargets", {"current_url": "/home"}),
        ("platforms --by os", "QueryPlatforms", {"dimension": "PLATFORM_DIMENSION_OS"}),
        ("traffic --every range", "QueryTraffic", {}),
        ("device-events --device u2", "ListDeviceEvents", {"device_id": "u2"}),
    ],
)
async def test_each_report_is_protobuf_json(
    shop: Server, type_in: TypeIn, command: str, method: str, request_fields: dict[str, Any]
) -> None:
    """For programs each report is the service's own answer to the question asked, zeros included."""
    typed = await type_in("report", *command.split(), "--from", "2026-06-16", "--to", "today", "--json")

    fields = {"app": "shop", "date_range": {"start_date": "2026-06-16", "end_date": "today"}} | request_fields
    request_type = getattr(analytics, f"{method}Request")
    async with connect(shop.address) as channel:
        answer = await getattr(AnalyticsServiceStub(channel), method)(json_format.ParseDict(fields, request_type()))

    expected = json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)

    assert (0, "") == (typed.status, typed.err)
    assert expected == json.loads(typed.out)


@pytest.mark.usefixtures("shop")
async def test_every_report_at_once(type_in: TypeIn) -> None:
    """`all` prints every report but one visitor's, traffic by hours."""
    typed = await type_in("report", "all")

    titles = [line.split("  ")[0] for line in typed.out.splitlines() if line.endswith("2026-06-17 (UTC)")]
    expected = [
        "Traffic",
        "Conversion: visitors of each stage among all",
        "Visitors of each stage",
        "Time spent on each stage",
        "Moves from stage to stage",
        "How hovers over buttons end",
        "How long a hover over //*[@id='buy'] lasts, and how often it is clicked then",
        "Views of each page",
        "Clicks on each element",
        "Browsers of 2 visitors",
        "Operating systems of 2 visitors",
        "Devices of 2 visitors",
    ]

    assert (0, "") == (typed.status, typed.err)
    assert expected == titles


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("first", "row_count"), [("-1d", 48), ("-6d", 7), ("-100d", 4)])
async def test_every_report_at_once_as_json(type_in: TypeIn, first: str, row_count: int) -> None:
    """`all --json` is one object, each report under its name; the rows of traffic suit the number of days."""
    typed = await type_in("report", "all", "--from", first, "--json")

    reports = json.loads(typed.out)
    expected = [
        *("traffic", "conversion", "stage-users", "stage-times", "stage-graph", "button-actions", "page-views"),
        *("click-targets", "platforms-browser", "platforms-os", "platforms-device"),
    ]

    assert expected == list(reports)
    assert row_count == len(reports["traffic"]["rows"])


async def test_pages_are_put_together(server: Server, type_in: TypeIn, tmp_path: Path) -> None:
    """More rows than a page holds are asked for page by page, up to the limit."""
    lines = [event(1, "u1", to=f"/page/{number:04}") for number in range(2_500)]
    file = tmp_path / "events"
    file.write_text("\n".join(map(json.dumps, lines)))
    target = ("--app", "shop", "--target", server.address)
    await type_in("send", str(file), *target)

    typed = await type_in("report", "page-views", "--limit", "2300", "--json", *target)

    report = json.loads(typed.out)
    urls = [row["url"] for row in report["rows"]]

    assert [f"/page/{number:04}" for number in range(2_300)] == urls
    assert report["nextPageToken"]


async def test_no_events_are_no_rows(server: Server, type_in: TypeIn) -> None:
    """A report of days without events says so."""
    target = ("--target", server.address)
    await type_in("apps", "create", "shop", *target)

    typed = await type_in("report", "page-views", "--app", "shop", *target)

    assert Typed(0, "Views of each page  2026-06-17 (UTC), audited\nNothing in these days.\n\n", "") == typed


async def test_what_visitors_send_cannot_command_the_terminal(server: Server, type_in: TypeIn, tmp_path: Path) -> None:
    """Escape sequences and rich's own markup in a page's address are shown as text."""
    file = tmp_path / "events"
    file.write_text(json.dumps(event(1, "u1", to="/\x1b[31m[red]a[/red]")))
    target = ("--app", "shop", "--target", server.address)
    await type_in("send", str(file), *target)

    typed = await type_in("report", "page-views", *target)

    assert "/\N{REPLACEMENT CHARACTER}[31m[red]a[/red]" in typed.out
    assert "\x1b" not in typed.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--from", "-3x"),
            "date_range.start_date: '-3x' is no day: write 2026-11-24, today, or days before today such as -6d.",
        ),
        (("--app", "nowhere"), NO_APP),
    ],
)
@pytest.mark.usefixtures("shop")
async def test_a_refused_question_is_told_in_a_sentence(
    type_in: TypeIn, arguments: tuple[str, ...], sentence: str
) -> None:
    """What the server says about a question is printed, without a traceback, and the exit status is 1."""
    assert Typed(1, "", f"Error: {sentence}\n") == await type_in("report", "traffic", *arguments)
