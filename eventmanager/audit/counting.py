"""Where recounts run: in a worker process, or for a store in memory, which no other process can read, in threads."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any, Final, Protocol

import orjson

from eventmanager.audit.cells import DayCount
from eventmanager.audit.recount import Caller, recount_day
from eventmanager.blocks import Day
from eventmanager.errors import StoreUnavailableError
from eventmanager.store.protocol import LoggedDays, Recount

_WORKER: Final = "eventmanager.audit.worker"
_LONGEST_LINE: Final = 1 << 16


class Counting(Protocol):
    """Counts days again, one at a time."""

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        """Do what `recount_day` does."""
        ...

    async def close(self) -> None:
        """Let go of what it took. It may be used again."""
        ...


class CountingHere:
    """Counts in this process."""

    def __init__(self, days: LoggedDays) -> None:
        self._days = days

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        """As in Counting."""
        return await recount_day(self._days, day, shard_count, caller)

    async def close(self) -> None:
        """As in Counting: it took nothing."""


class CountingInWorker:
    """Counts in a worker process, which is started when there is something to do."""

    def __init__(self, store_address: str, niceness: int) -> None:
        self._store_address = store_address
        self._niceness = niceness
        self._worker: Process | None = None

    async def count(self, day: Day, shard_count: int, caller: Caller) -> DayCount | None:
        """As in Counting."""
        worker = self._worker
        if worker is None or worker.returncode is not None:
            worker = self._worker = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", _WORKER, self._store_address, str(self._niceness),
                stdin=PIPE, stdout=PIPE, limit=_LONGEST_LINE,
            )  # fmt: skip
        job = {"app": day.app, "date": day.date.isoformat(), "shard_count": shard_count}
        try:
            return await _converse(worker, job, caller)
        except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
            await self.close()
            raise StoreUnavailableError("the process that counts days again has ended") from None
        except BaseException:
            await self.close()  # Or the next job would read the rest of this one's answer.
            raise

    async def close(self) -> None:
        """As in Counting. The worker only reads, so that it can be ended at any moment."""
        worker = self._worker
        if worker is None:
            return
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()
        # Only now: whoever was cancelled while it waited leaves the rest to the next call.
        self._worker = None


async def _converse(worker: Process, job: dict[str, Any], caller: Caller) -> DayCount | None:
    if worker.stdin is None or worker.stdout is None:
        raise AssertionError("the worker was started with pipes")
    worker.stdin.write(orjson.dumps(job) + b"\n")
    await worker.stdin.drain()
    while True:
        head = orjson.loads(await worker.stdout.readuntil(b"\n"))
        if "report" in head:
            figures = await worker.stdout.readexactly(head["bytes"])
            await caller.take(Recount(head["report"], bytes.fromhex(head["marks"]), figures))
        elif "asks" in head:
            await caller.leave()
            worker.stdin.write(b"{}\n")
        elif "failed" in head:
            raise StoreUnavailableError(head["failed"])
        else:
            return DayCount(*head["count"]) if head["count"] else None
