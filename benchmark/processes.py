"""The servers under measurement, in processes of their own, and what they use of the machine."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final, Self, TypeVar

import grpc
import psutil

from benchmark.errors import BenchmarkError
from tests.server_process import start_process

_LOOKS_A_SECOND: Final = 20
_MIB: Final = 1 << 20

_Figure = TypeVar("_Figure", int, float)


class Watched:
    """A server's process with those that it has started, their processor time and the memory that they have."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self.pid = pid
        self._process = psutil.Process(pid)
        self._family = [self._process]
        self._peak_bytes = 0
        self._looking: asyncio.Task[None] | None = None

    @property
    def cpu_s(self) -> float:
        """Processor time so far, in their own code and in the system's; of processes that have ended, too."""
        self._look_for_children()
        ended = self._process.cpu_times()
        return ended.children_user + ended.children_system + sum(self._sum(_cpu_s))

    @property
    def memory_mib(self) -> float:
        """Resident memory now; what processes share counts for each."""
        return sum(self._sum(_memory_bytes)) / _MIB

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
        for number in count():
            if number % _LOOKS_A_SECOND == 0:
                self._look_for_children()  # Looks at all processes there are.
            self._peak_bytes = max(self._peak_bytes, sum(self._sum(_memory_bytes)))
            await asyncio.sleep(1 / _LOOKS_A_SECOND)

    def _look_for_children(self) -> None:
        with suppress(psutil.NoSuchProcess):  # It has ended, and whoever waits for its answers says so.
            self._family = [self._process, *self._process.children(recursive=True)]

    def _sum(self, figure: Callable[[psutil.Process], _Figure]) -> Iterator[_Figure]:
        for process in self._family:
            with suppress(psutil.NoSuchProcess):
                yield figure(process)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _memory_bytes(process: psutil.Process) -> int:
    return process.memory_info().rss


@asynccontextmanager
async def run_server(store: str, log_file: Path, workers: int = 1) -> AsyncIterator[Watched]:
    """Run the server on a store, with so many workers. Raises BenchmarkError where it does not start or end well."""
    try:
        server = await start_process(store, log_file, "--allow-new-apps", "--workers", str(workers))
    except AssertionError as error:
        raise BenchmarkError(f"The server did not start. {error}") from None
    try:
        async with Watched(server.address, server.process.pid) as watched:
            yield watched
        status = await server.stop()
        if status:
            raise BenchmarkError(f"The server ended with status {status}. Its log:\n{server.log}")
    except grpc.aio.AioRpcError as error:
        said = f"The server answered {error.code().name}: {error.details()}"
        raise BenchmarkError(f"{said} Its log:\n{server.log}") from None
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
