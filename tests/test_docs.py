"""What documents show is so."""

import asyncio
import json
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from live.eventmanager.v1 import analytics_service_pb2 as analytics
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, Stage
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.cli.event_lines import read_event_line
from eventmanager.client import EventSender, connect
from eventmanager.server import Server
from tests.cli.test_options import OPTIONS
from tests.conftest import Clock, StartServer
from tests.documents import examples_in
from tests.tools import PROJECT

DOCUMENTS = ["README.md", "CHANGELOG.md", *(f"docs/{file.name}" for file in sorted((PROJECT / "docs").glob("*.md")))]
STAGES = [Stage(stage=1, name="/home"), Stage(stage=2, name="/products")]


def without_what_passes(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without the time that it was read, and with no more of page tokens than whether there is one."""
    token = {"next_page_token": bool(answer["next_page_token"])} if "next_page_token" in answer else {}
    info = {"info": {**answer["info"], "read_time": ""}} if "info" in answer else {}
    return answer | token | info


async def test_the_dashboards_questions_have_the_answers_shown(server: Server) -> None:
    """Each question of docs/dashboards.md, about the events shown there, has the answer shown there."""
    document = (PROJECT / "docs/dashboards.md").read_text()
    methods = re.findall(r"^`(Query\w+|List\w+)`$", document, re.MULTILINE)
    lines, *asked = [
        example.text for example in examples_in("docs/dashboards.md") if example.language.startswith("json")
    ]
    async with connect(server.address) as channel:
        await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=App(app="shop", stages=STAGES)))
        async with EventSender(server.address, "shop") as sender:
            await sender.send(read_event_line(line.encode()).event for line in lines.splitlines())
        given = []
        for method, question in zip(methods, asked[::2], strict=True):
            request = json_format.Parse(question, getattr(analytics, f"{method}Request")())
            answer = await getattr(AnalyticsServiceStub(channel), method)(request)
            given.append(
                json_format.MessageToDict(
                    answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
                )
            )

    shown = [json.loads(answer) for answer in asked[1::2]]

    assert [without_what_passes(answer) for answer in shown] == [without_what_passes(answer) for answer in given]
    assert len(methods) == 10


async def test_the_python_examples_run(start_server: StartServer, clock: Clock) -> None:
    """The programs of docs/sdk.md send an event, and read a report about it."""
    clock.time_s = time.time()
    server = await start_server()
    async with connect(server.address) as channel:
        await AdminServiceStub(channel).CreateApp(CreateAppRequest(app=App(app="shop", stages=STAGES)))
    programs = [example.text for example in examples_in("docs/sdk.md") if example.language == "python"]
    printed = []
    for program in programs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", program.replace("127.0.0.1:50051", server.address)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        printed.append((process.returncode, out.decode()))

    assert [(0, "1 stored, 0 refused\n"), (0, "/home 0 0.0%\n/products 0 0.0%\n")] == printed


def test_every_option_is_documented() -> None:
    """docs/running.md names the variable of every option of every command, and each option of `serve`."""
    document = (PROJECT / "docs/running.md").read_text()
    wanted = {str(option.envvar) for _, option in OPTIONS} | {
        option.opts[0] for typed, option in OPTIONS if typed == "serve"
    }

    assert [] == sorted(name for name in wanted if f"`{name}" not in document)


def test_no_variable_is_documented_that_is_not_there() -> None:
    """docs/running.md names no variable that no option has."""
    document = (PROJECT / "docs/running.md").read_text()
    there = {str(option.envvar) for _, option in OPTIONS} | {"EVENTMANAGER_DEMO_"}

    assert [] == sorted(set(re.findall(r"EVENTMANAGER_\w+", document)) - there)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every link within the project leads to a file that is there, and to a heading that it has."""
    path = PROJECT / document
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()) if "://" not in link]

    assert [] == [link for link in links if not leads_somewhere(path, link)]


def leads_somewhere(document: Path, link: str) -> bool:
    """Tell whether a link of a document leads to something."""
    file, _, heading = link.partition("#")
    target = document.parent / file
    if not heading:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
    return heading in {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_shell_examples_are_well_formed(document: str) -> None:
    """Bash can read every shell example."""
    scripts = [example.text for example in examples_in(document) if example.language == "sh"]

    assert [0] * len(scripts) == [
        subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode for script in scripts
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_headings_go_down_step_by_step(document: str) -> None:
    """A document has one title, and no heading skips a level."""
    text = re.sub(r"^```.*?^```$", "", (PROJECT / document).read_text(), flags=re.MULTILINE | re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]

    assert 1 == levels.count(1) == levels[0]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
