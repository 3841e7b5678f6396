"""The servers under measurement, in processes of their own, and what they use of the machine."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Self

import psutil

from benchmark.errors import BenchmarkError
from tests.server_process import start_process

_LOOK_EVERY_S: Final = 0.05
_MIB: Final = 1 << 20


class Watched:
    """A process, its processor time and the most memory that it was seen to have."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self.pid = pid
        self._process = psutil.Process(pid)
        self._peak_bytes = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def cpu_s(self) -> float:
        """Processor time so far, in its own code and in the system's."""
        times = self._process.cpu_times()
        return times.user + times.system

    @property
    def peak_memory_mib(self) -> float:
        """Most resident memory seen; it is looked at 20 times a second."""
        return self._peak_bytes / _MIB

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        with suppress(psutil.NoSuchProcess):  # It has ended, and whoever waits for its answers says so.
            while True:
                self._peak_bytes = max(self._peak_bytes, self._process.memory_info().rss)
                await asyncio.sleep(_LOOK_EVERY_S)


@asynccontextmanager
async def run_server(store: str, log_file: Path) -> AsyncIterator[Watched]:
    """Run the server on a store. Raises BenchmarkError where it does not start or end as it should."""
    try:
        server = await start_process(store, log_file, "--allow-new-apps")
    except AssertionError as error:
        raise BenchmarkError(f"The server did not start. {error}") from None
    try:
        async with Watched(server.address, server.process.pid) as watched:
            yield watched
        status = await server.stop()
        if status:
            raise BenchmarkError(f"The server ended with status {status}. Its log:\n{server.log}")
    finally:
        if server.process.returncode is None:
            await server.kill()


@asynccontextmanager
async def run_counting_server() -> AsyncIterator[Watched]:
    """Run the server that only counts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmark.counting_server"), stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise BenchmarkError("The counting server did not start; what it said is above.")
        async with Watched(line.decode().strip(), process.pid) as watched:
            yield watched
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
