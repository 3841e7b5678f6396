"""The process that prepares requests, by its standard input and output."""

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import IO

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App
from live.eventmanager.v1.event_pb2 import Click, Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest

from eventmanager.app_settings import new_settings, normal_app
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import PreparedRequest
from eventmanager.preparation.wire import LENGTH_BYTES, Job, decode_results, encode_job, frame
from tests.conftest import NOON_S

EVENTS = 10_000


def test_answers_are_whole_though_the_process_is_stopped_while_it_writes() -> None:
    """As when a container is paused, or a machine sleeps; unbuffered, as Python is told to be in many containers."""
    request = IngestEventsRequest(app="shop")
    for number in range(EVENTS):
        request.events.append(
            Event(
                event_id=f"event {number}",
                timestamp=Timestamp(seconds=int(NOON_S)),
                device_id=f"visitor {number}" + "x" * 100,
                click=Click(target="buy", current_url="/home"),
            )
        )
    settings = new_settings(normal_app(App(app="shop"))).SerializeToString()
    job = frame(encode_job(Job([settings], [request.SerializeToString()], [NOON_S])))
    with subprocess.Popen(
        [sys.executable, "-m", "eventmanager.preparation.worker", str(EVENTS), "600"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}, bufsize=0,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdout.read(LENGTH_BYTES)
        process.stdin.write(job)
        held = bytes_of_full(process.stdout)
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        process.stdin.close()
        answer = process.stdout.read()
    (prepared,) = decode_results(answer[LENGTH_BYTES:], PlatformReader())

    assert len(answer) > held
    assert len(answer) == LENGTH_BYTES + int.from_bytes(answer[:LENGTH_BYTES])
    assert isinstance(prepared, PreparedRequest)
    assert EVENTS == sum(block.count for block in prepared.blocks)


@pytest.mark.parametrize("cut", [2, 10, 2_000])
def test_a_job_that_is_cut_off_ends_the_process_quietly(cut: int) -> None:
    """As when the server is killed: in the length, or in what comes after it."""
    settings = new_settings(normal_app(App(app="shop"))).SerializeToString()
    job = frame(encode_job(Job([settings], [b"request" * 1_000], [NOON_S])))
    done = subprocess.run(
        [sys.executable, "-m", "eventmanager.preparation.worker", "1000", "600"],
        input=job[:cut], capture_output=True, check=False,
    )  # fmt: skip

    assert (0, bytes(LENGTH_BYTES), b"") == (done.returncode, done.stdout, done.stderr)


def bytes_of_full(pipe: IO[bytes]) -> int:
    """Return how many bytes a pipe holds, once it holds some and not more after a while."""
    before, held = -1, 0
    while not held or held != before:
        time.sleep(0.1)
        before = held
        (held,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return held
