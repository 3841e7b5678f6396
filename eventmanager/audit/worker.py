"""The worker: a process that reads the log and counts, so that the server's own goes on with ingest.

It takes jobs as lines of JSON on its standard input and answers each on its standard output with cells, each a line of
JSON and the bytes of its figures, and then a line with the count or the failure. In between it asks for leave to go on,
with a line, and waits for one. It ends with its input.
"""

import asyncio
import datetime
import gc
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

import orjson

from eventmanager.audit.pace import Leave
from eventmanager.audit.recount import Caller, recount_day
from eventmanager.blocks import Day
from eventmanager.errors import StartError, StoreUnavailableError
from eventmanager.pipes import output
from eventmanager.store.address import open_logged_days
from eventmanager.store.protocol import LoggedDays, Recount

_ASK_INTERVAL_S: Final = 0.05
"""Steps that are shorter together are one."""
_COLLECT_AFTER_OBJECTS: Final = 1_000_000


async def work(address: str) -> None:
    """Do jobs until the server is gone, which ends the process."""
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()

    asked_s = time.monotonic()

    async def leave() -> None:
        nonlocal asked_s
        if time.monotonic() - asked_s >= _ASK_INTERVAL_S:
            await _answer({"asks": True})
            await lines.get()
            asked_s = time.monotonic()

    days: LoggedDays | None = None
    while True:
        job = orjson.loads(await lines.get())
        try:
            days = days or await open_logged_days(address)
            await _answer(await _do(days, job, leave))
        except StoreUnavailableError as error:
            await _answer({"failed": error.cause})
        except StartError as error:
            await _answer({"failed": str(error).removesuffix(".")})


def _read_lines(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes]") -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    # The server is gone. Nobody waits for the job at hand, and a recount leaves nothing to be tidied up.
    os._exit(0)


async def _do(days: LoggedDays, job: dict[str, Any], leave: Leave) -> dict[str, Any]:
    day = Day(job["app"], datetime.date.fromisoformat(job["date"]))
    count = await recount_day(days, day, job["shard_count"], Caller(_hand_over, leave))
    return {"count": list(count) if count else None}


async def _hand_over(cell: Recount) -> None:
    await _answer({"report": cell.report, "marks": cell.marks.hex(), "bytes": len(cell.figures)}, cell.figures)


async def _answer(head: dict[str, Any], figures: bytes = b"") -> None:
    def write() -> None:
        with output() as answers:
            answers.write(orjson.dumps(head) + b"\n" + figures)

    await asyncio.to_thread(write)


def main() -> None:
    """Run the worker for the store whose address is the first argument, as nice as the second says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this one.
    os.nice(int(sys.argv[2]))
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)  # Rows are many and have no cycles.
    with suppress(BrokenPipeError):  # The server is gone.
        asyncio.run(work(sys.argv[1]))


if __name__ == "__main__":
    main()
