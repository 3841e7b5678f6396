"""The README's own lines work, just as they are."""

import asyncio
import json
import os
import time
from collections.abc import Iterator

import pytest
from google.protobuf import json_format
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsResponse

from eventmanager.server import Server
from tests.conftest import Clock, StartServer
from tests.documents import Example, examples_in
from tests.tools import PROJECT, require, search_path

ADDRESS = "127.0.0.1:50051"
EXAMPLES = examples_in("README.md")


@pytest.fixture
async def running(start_server: StartServer, clock: Clock) -> Server:
    """A server at the time that `date` tells."""
    clock.time_s = time.time()
    return await start_server()


async def run(script: str, server: Server) -> str:
    """Run lines in bash, as they are but for the port, and return what they print. Asserts that all succeed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script.replace(ADDRESS, server.address)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PATH": search_path()},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert (0, "") == (process.returncode, err.decode())
    return out.decode()


def scripts_of(program: str) -> Iterator[Example]:
    """Return the README's scripts that begin with a program."""
    return (example for example in EXAMPLES if example.language == "sh" and example.text.startswith(program))


async def test_the_grpcurl_lines(running: Server) -> None:
    """The services are listed and described, the first event is stored, and the first query counts it."""
    require("grpcurl", "go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest")
    look, ingest, query = [await run(example.text, running) for example in scripts_of("grpcurl")]

    told = next(example.text for example in EXAMPLES if example.language == "json")
    row = json.loads(query)["rows"][0]

    assert "live.eventmanager.v1.IngestService\n" in look
    assert "live.eventmanager.v1.UrlChange is a message:" in look
    assert 'json_name = "from"' in look
    # grpcurl's versions spell names in either of protobuf's ways.
    assert json_format.Parse(told, IngestEventsResponse()) == json_format.Parse(ingest, IngestEventsResponse())
    assert ("/products", "1") == (row["url"], row["views"])


async def test_the_buf_lines(running: Server) -> None:
    """The same with buf."""
    require("buf", "pip install buf-bin")
    (example,) = scripts_of("buf")

    said = await run(example.text, running)

    methods, brace, answers = said.partition("{")
    outcome, views = json.loads("[" + (brace + answers).replace("}\n{", "},{") + "]")
    row = views["rows"][0]

    assert "live.eventmanager.v1.AnalyticsService/QueryPageViews\n" in methods
    assert {"outcome": {"storedCount": 1}} == outcome
    assert ("/products", "1") == (row["url"], row["views"])


def test_the_other_lines_name_scripts_that_are_there() -> None:
    """Every other command of the README is a script of the project that can be run."""
    others = [
        example.text.strip()
        for example in EXAMPLES
        if example.language == "sh" and not example.text.startswith(("grpcurl", "buf"))
    ]

    assert ["scripts/demo", "scripts/test", "scripts/serve"] == others
    assert all(os.access(PROJECT / script, os.X_OK) for script in others)
