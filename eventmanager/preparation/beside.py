"""Has requests prepared in a process beside this one, so that two cores work on what comes in.

What is prepared there is the same as here: it is done by the same code, and depends on nothing else. So it does not
matter if that process dies: what it had in hand is prepared here.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress
from typing import Final, NamedTuple

from eventmanager.apps import App
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import PreparedRequest, Preparer
from eventmanager.preparation.wire import LENGTH_BYTES, READY, Job, decode_results, encode_job, frame

LEAST_BYTES: Final = 16 << 10
"""Smaller requests are sooner prepared than sent to another process."""
MOST_JOB_BYTES: Final = 1 << 20
"""Requests that wait go together, up to this: more would keep the event loop for longer than 5 ms."""
MOST_WAITING_BYTES: Final = 32 << 20
"""Most that waits to be prepared. Beyond it, senders have to wait."""
_JOBS_AHEAD: Final = 2
"""Jobs sent and not come back: one in work, and one for the moment when it is done."""
_READ_AHEAD_BYTES: Final = 1 << 20
_WAIT_TO_START_AGAIN_S: Final = 5.0
_WORKER: Final = "eventmanager.preparation.worker"

_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    app: App
    encoded: bytes
    now_s: float
    prepared: "asyncio.Future[PreparedRequest]"


class PreparingBeside:
    """A process that prepares requests. Belongs to one event loop."""

    def __init__(self, preparer: Preparer, platforms: PlatformReader, max_events: int, max_clock_skew_s: int) -> None:
        """`preparer` does here what the process leaves undone; the two numbers are what it was made with."""
        self._preparer = preparer
        self._platforms = platforms
        self._arguments = (str(max_events), str(max_clock_skew_s))
        self._process: Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._waiting: deque[_Waiting] = deque()
        self._jobs: deque[list[_Waiting]] = deque()
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    def takes(self, encoded: bytes) -> bool:
        """Tell whether a request is better prepared there, now. The first that would be has the process started."""
        if len(encoded) < LEAST_BYTES:
            return False
        if self._life is None:
            self._life = asyncio.get_running_loop().create_task(self._keep())
        return self._process is not None

    @property
    def is_full(self) -> bool:
        """Whether too much waits."""
        return self._waiting_bytes >= MOST_WAITING_BYTES

    async def wait_for_room(self) -> None:
        """Return once less waits than is allowed."""
        while self.is_full:
            await self._room.wait()

    def prepare(self, app: App, encoded: bytes, now_s: float) -> "asyncio.Future[PreparedRequest]":
        """Do what Preparer.prepare does, there, and in the order of calls."""
        waiting = _Waiting(app, encoded, now_s, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += len(encoded)
        if self.is_full:
            self._room.clear()
        self._send()
        return waiting.prepared

    async def close(self) -> None:
        """End the process. What it has in hand is prepared here."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait((self._life,))
            self._life = None

    def _send(self) -> None:
        """Send what waits, as long as the process has less than enough to do."""
        process = self._process
        if process is None or process.stdin is None:
            return
        while self._waiting and len(self._jobs) < _JOBS_AHEAD:
            job = [self._waiting.popleft()]
            size = len(job[0].encoded)
            while self._waiting and size + len(self._waiting[0].encoded) <= MOST_JOB_BYTES:
                job.append(self._waiting.popleft())
                size += len(job[-1].encoded)
            self._jobs.append(job)
            process.stdin.write(
                frame(
                    encode_job(
                        Job(
                            [waiting.app.settings.SerializeToString() for waiting in job],
                            [waiting.encoded for waiting in job],
                            [waiting.now_s for waiting in job],
                        )
                    )
                )
            )

    async def _keep(self) -> None:
        """Run a process, and another when it ends, until cancelled."""
        while True:
            try:
                await self._run()
            except (OSError, asyncio.IncompleteReadError):
                _log.warning("The process that prepares requests has ended. What it had in hand is prepared here.")
            except Exception:  # noqa: BLE001 - whatever it is, another process may do better, and nobody else starts one.
                _log.exception("What the process that prepares requests answered cannot be read. It is started anew.")
            await asyncio.sleep(_WAIT_TO_START_AGAIN_S)

    async def _run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _WORKER, *self._arguments, stdin=PIPE, stdout=PIPE, limit=_READ_AHEAD_BYTES
        )  # fmt: skip
        try:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("the process was started with pipes")
            await process.stdout.readexactly(len(READY))
            self._process = process
            _log.debug("Large requests are prepared by process %d.", process.pid)
            while True:
                length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
                self._take(await process.stdout.readexactly(length))
                self._send()
        finally:
            self._process = None
            with suppress(ProcessLookupError):
                process.kill()
            self._prepare_all_here()
            await process.wait()

    def _take(self, encoded: bytes) -> None:
        job = self._jobs[0]
        # All or nothing: where this fails, the job is still in hand, and is prepared here.
        prepared = list(zip(job, decode_results(encoded, self._platforms), strict=True))
        del self._jobs[0]
        for waiting, result in prepared:
            if result is None:
                self._prepare_here(waiting)
            else:
                self._settle(waiting, result)

    def _settle(self, waiting: _Waiting, result: PreparedRequest | Exception) -> None:
        self._waiting_bytes -= len(waiting.encoded)
        if not self.is_full:
            self._room.set()
        if waiting.prepared.done():  # Cancelled: nobody waits for it any more.
            return
        if isinstance(result, Exception):
            waiting.prepared.set_exception(result)
        else:
            waiting.prepared.set_result(result)

    def _prepare_all_here(self) -> None:
        left = [waiting for job in self._jobs for waiting in job]
        left += self._waiting
        self._jobs.clear()
        self._waiting.clear()
        for waiting in left:
            self._prepare_here(waiting)

    def _prepare_here(self, waiting: _Waiting) -> None:
        try:
            result: PreparedRequest | Exception = self._preparer.prepare(waiting.app, waiting.encoded, waiting.now_s)
        except Exception as error:  # noqa: BLE001 - for whoever waits for it.
            result = error
        self._settle(waiting, result)
