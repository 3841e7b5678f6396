"""`eventmanager send`: what becomes of each line, whatever the file holds and the server does."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc
from live.eventmanager.v1.analytics_service_pb2 import QueryTrafficRequest
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub

from eventmanager.server import Server
from tests.cli.conftest import Typed, TypeIn
from tests.client.cable import cable_to
from tests.conftest import NOON_S, StartServer

NOON_MS = int(NOON_S * 1000)


def click(number: int, **fields: Any) -> str:
    """Write one original click, of its own visitor."""
    common = {"type": 0, "timestamp": NOON_MS, "device_id": f"u{number}", "target": "buy", "current_url": "/home"}
    return json.dumps(common | fields)


def write(file: Path, lines: Iterable[str]) -> str:
    """Write lines to a file, and return its name."""
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


async def clicks_of(channel: grpc.aio.Channel, app: str) -> int:
    """Return the clicks that the server reports of an app today."""
    report = await AnalyticsServiceStub(channel).QueryTraffic(QueryTrafficRequest(app=app))
    return report.rows[0].clicks


async def test_every_line_is_sent(server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path) -> None:
    """A file of good lines is stored, in as many requests as it takes, and its end says so."""
    file = write(tmp_path / "events", (click(number) for number in range(2_345)))

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    assert Typed(0, "2,345 stored, 0 duplicate, 0 refused\n", "") == typed
    assert 2_345 == await clicks_of(channel, "shop")


async def test_the_same_file_again_counts_once(
    server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path
) -> None:
    """A file without ids, sent again, is a file of duplicates."""
    file = write(tmp_path / "events", (click(number) for number in range(2_345)))
    await type_in("send", "--app", "shop", "--target", server.address, file)

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    assert Typed(0, "0 stored, 2,345 duplicate, 0 refused\n", "") == typed
    assert 2_345 == await clicks_of(channel, "shop")


async def test_bad_lines_are_named_and_the_others_go_on(
    server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path
) -> None:
    """Lines refused here or by the server are told by number and reason, and the exit status is 1."""
    lines = [
        click(1),
        "no event",
        "",
        click(2),
        click(3, device_id=""),
        '{"device_id": "u4"}',
        "x" * 1_048_577,
        click(5),
    ]
    file = write(tmp_path / "events", lines)

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    expected = """\
line 2: The line is not JSON: Expecting value, at column 1.
line 5: device_id is required and is not there.
line 6: timestamp is required and is not there.
line 7: The line is longer than 1,048,576 bytes.
3 stored, 0 duplicate, 4 refused
"""

    assert Typed(1, expected, "") == typed
    assert 3 == await clicks_of(channel, "shop")


async def test_only_the_first_refused_lines_are_printed(server: Server, type_in: TypeIn, tmp_path: Path) -> None:
    """Of many refused lines the first twenty are told, and how many there are."""
    file = write(tmp_path / "events", ["[]"] * 1_023)

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    told = "".join(f"line {number}: The line must be a JSON object.\n" for number in range(1, 21))
    expected = f"{told}… and 1,003 more lines refused\n0 stored, 0 duplicate, 1,023 refused\n"

    assert Typed(1, expected, "") == typed


async def test_lines_may_name_their_own_apps(
    server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path
) -> None:
    """Each app's lines go to it; those that name none go to the one given."""
    file = write(tmp_path / "events", [click(1), click(2, app="other"), click(3, app="other"), click(4)])

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    assert Typed(0, "4 stored, 0 duplicate, 0 refused\n", "") == typed
    assert (2, 2) == (await clicks_of(channel, "shop"), await clicks_of(channel, "other"))


async def test_more_apps_than_are_kept_open_are_sent(server: Server, type_in: TypeIn, tmp_path: Path) -> None:
    """Lines of very many apps are sent all the same."""
    file = write(tmp_path / "events", [click(number, app=f"app-{number % 250}") for number in range(500)])

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    assert Typed(0, "500 stored, 0 duplicate, 0 refused\n", "") == typed


async def test_an_app_that_cannot_be_costs_no_other(
    server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path
) -> None:
    """Lines of an app that the server refuses are refused, those of others are stored."""
    file = write(tmp_path / "events", [click(1), click(2, app="no id"), click(3, app="no id"), click(4)])

    typed = await type_in("send", "--app", "shop", "--target", server.address, "--batch-size", "1", file)

    why = "app: 'no id' is no app's id: those are 1 to 64 letters, digits, dots, underscores and hyphens."
    expected = f"line 2: {why}\nline 3: {why}\n2 stored, 0 duplicate, 2 refused\n"

    assert Typed(1, expected, "") == typed
    assert 2 == await clicks_of(channel, "shop")


async def test_an_app_that_is_not_there_is_named(start_server: StartServer, type_in: TypeIn, tmp_path: Path) -> None:
    """Where new apps are not allowed, lines of one are refused."""
    server = await start_server(allow_new_apps=False)
    file = write(tmp_path / "events", [click(1)])

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    why = "There is no app 'shop'. Make it with AdminService.CreateApp or `eventmanager apps create`."

    assert Typed(1, f"line 1: {why}\n0 stored, 0 duplicate, 1 refused\n", "") == typed


async def test_batches_keep_to_the_servers_limits(start_server: StartServer, type_in: TypeIn, tmp_path: Path) -> None:
    """Requests are cut to what the server takes, in events and in bytes; an event that is too large is refused."""
    server = await start_server(max_events=7, max_request_bytes=65_536)
    long = [click(number, target="x" * 1_000) for number in range(200)]
    file = write(tmp_path / "events", [*long, click(900, target="x" * 70_000), click(901)])

    typed = await type_in("send", "--app", "shop", "--target", server.address, file)

    lines = typed.out.splitlines()

    assert (1, "201 stored, 0 duplicate, 1 refused") == (typed.status, lines[-1])
    assert lines[0].startswith("line 201: The request has 70,")


async def test_a_connection_that_breaks_costs_nothing(
    server: Server, channel: grpc.aio.Channel, type_in: TypeIn, tmp_path: Path
) -> None:
    """Lines get through a connection that breaks again and again, and count once."""
    file = write(tmp_path / "events", (click(number) for number in range(3_000)))
    async with cable_to(server.address) as cable:
        passed = 0

        def cut_now_and_then() -> None:
            nonlocal passed
            passed += 1
            if passed % 7 == 0 and cable.connections < 8:
                cable.cut()

        cable.on_bytes_from_server = cut_now_and_then
        typed = await type_in("send", "--app", "shop", "--target", cable.address, "--batch-size", "50", file)

    assert (0, "") == (typed.status, typed.err)
    assert cable.connections >= 8
    assert 3_000 == await clicks_of(channel, "shop")


async def test_without_a_server_it_says_how_to_start_one(type_in: TypeIn, tmp_path: Path) -> None:
    """Where no server answers, a sentence says so and what to do."""
    file = write(tmp_path / "events", [click(1)])

    typed = await type_in("send", "--app", "shop", "--target", "127.0.0.1:1", file)

    expected = (
        "Error: No server answers at 127.0.0.1:1. Start one with `eventmanager serve --listen 127.0.0.1:1`, "
        "or name another with --target.\n"
    )

    assert Typed(1, "", expected) == typed


async def test_it_gives_up_after_the_time_given(server: Server, type_in: TypeIn, tmp_path: Path) -> None:
    """When the server stays away it says how many events have no answer, and that they may be sent again."""
    file = write(tmp_path / "events", (click(number) for number in range(30)))
    async with cable_to(server.address) as cable:

        def unplug_after_the_limits() -> None:
            if cable.connections == 2:  # The first asked for the limits.
                cable.is_plugged_in = False
                cable.cut()

        cable.on_bytes_from_server = unplug_after_the_limits
        typed = await type_in(
            *("send", "--app", "shop", "--target", cable.address, "--give-up-after", "0.5", "--batch-size", "10", file)
        )

    expected = (
        f"Error: No answer came within 0.5 s. The last failure: No server answers at {cable.address}. "
        "30 events have no answer: they may be stored or not. "
        "Lines after theirs, if any, were not sent. Send the same file again with --again and the same --batch-size, "
        "and those that are stored count once.\n"
    )

    assert Typed(1, "", expected) == typed


async def begin_to_send(server: Server, channel: grpc.aio.Channel) -> asyncio.subprocess.Process:
    """Start sending from a pipe that stays open, and return once the first two lines are stored."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eventmanager", "send", "--app", "shop", "--target", server.address, "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert process.stdin
    process.stdin.write(f"{click(1)}\n{click(2)}\n".encode())
    async with asyncio.timeout(60):
        while await stored_clicks(channel) != 2:  # noqa: ASYNC110 - the server can only be asked.
            await asyncio.sleep(0.05)
    return process


async def test_lines_from_a_pipe_are_sent_as_they_come(server: Server, channel: grpc.aio.Channel) -> None:
    """What comes through a pipe is stored while the pipe is open; at its end it says how many."""
    process = await begin_to_send(server, channel)

    out, err = await asyncio.wait_for(process.communicate(click(3).encode()), 60)

    assert (0, "3 stored, 0 duplicate, 0 refused\n", "") == (process.returncode, out.decode(), err.decode())


async def test_ctrl_c_is_quiet(server: Server, channel: grpc.aio.Channel) -> None:
    """Interrupted, it says what is stored and what has no answer yet, and nothing else."""
    process = await begin_to_send(server, channel)
    process.send_signal(signal.SIGINT)

    out, err = await asyncio.wait_for(process.communicate(), 60)

    # The answer may have been on its way.
    expected = {"2 stored, 0 duplicate, 0 refused\n", "0 stored, 0 duplicate, 0 refused, 2 unanswered\n"}

    assert (130, "") == (process.returncode, err.decode())
    assert out.decode() in expected


async def stored_clicks(channel: grpc.aio.Channel) -> int:
    """Return the clicks of an app that may not be there yet."""
    try:
        return await clicks_of(channel, "shop")
    except grpc.aio.AioRpcError:
        return 0
