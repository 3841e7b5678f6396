"""Runs the real command in a process of its own."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LISTENING: Final = re.compile(r"Listening on ([^\s,]+)")
_START_TIMEOUT_S: Final = 30
# Has the process killed when the tests end, however they do, and becomes the server. Not a `preexec_fn`: after a fork
# of a process with as many threads as gRPC and the driver have, Python may crash before it gets to that.
_DIE_WITH_PARENT: Final = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that was started as an operator starts it, and what it has logged so far."""

    process: asyncio.subprocess.Process
    address: str
    log_file: Path

    @property
    def log(self) -> str:
        """All that the process has written."""
        return _said(self.log_file)

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and return its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal_number)
        return await asyncio.wait_for(self.process.wait(), 30)


async def start_process(
    store: str, log_file: Path, *arguments: str, before_start: Callable[[], None] | None = None
) -> ServerProcess:
    """Start a server on a free port of loopback, and return once it listens. Asserts that it comes to that."""
    process = await _start(log_file, "--listen", "127.0.0.1:0", "--store", store, *arguments, before_start=before_start)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not (listening := _LISTENING.search(_said(log_file))):
        assert process.returncode is None, _said(log_file)
        assert time.monotonic() < deadline, _said(log_file)
        await asyncio.sleep(0.01)
    return ServerProcess(process, listening[1], log_file)


async def fail_to_start(log_file: Path, *arguments: str) -> tuple[int, str]:
    """Run a server that must end by itself, and return its exit status and what it said."""
    process = await _start(log_file, *arguments)
    try:
        status = await asyncio.wait_for(process.wait(), _START_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return status, _said(log_file)


async def _start(
    log_file: Path, *arguments: str, before_start: Callable[[], None] | None = None
) -> asyncio.subprocess.Process:
    with log_file.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", _DIE_WITH_PARENT),
            *("-m", "eventmanager", "serve"),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "COLUMNS": "500"},  # Keeps sentences in one line.
            preexec_fn=before_start,
        )


def _said(log_file: Path) -> str:
    return log_file.read_text()
