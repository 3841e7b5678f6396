"""The process beside: prepares the requests that come on its standard input, until that ends."""

import fcntl
import gc
import os
import signal
import sys
import zoneinfo
from contextlib import suppress
from functools import lru_cache
from typing import BinaryIO, Final

from live.eventmanager.storage.v1.settings_pb2 import AppSettings

from eventmanager.apps import App
from eventmanager.errors import InvalidRequestError
from eventmanager.freed_memory import keep_freed_memory
from eventmanager.pipes import output
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import Preparer
from eventmanager.preparation.validation import Validator
from eventmanager.preparation.wire import READY, Job, Result, decode_job, encode_results, read_message, write_message
from eventmanager.zones import Zone

_PIPE_BYTES: Final = 1 << 20
_KNOWN_APPS: Final = 1_000
_COLLECT_AFTER_OBJECTS: Final = 1_000_000


class _Worker:
    def __init__(self, preparer: Preparer) -> None:
        self._preparer = preparer
        self._app = lru_cache(_KNOWN_APPS)(_app)

    def work(self, jobs: BinaryIO, results: BinaryIO) -> None:
        """Do jobs until there are no more."""
        results.write(READY)
        results.flush()
        while (job := read_message(jobs)) is not None:
            write_message(results, encode_results(self._do(decode_job(job))))

    def _do(self, job: Job) -> list[Result]:
        return [self._prepare(*request) for request in zip(*job, strict=True)]

    def _prepare(self, settings: bytes, encoded: bytes, now_s: float) -> Result:
        try:
            return self._preparer.prepare(self._app(settings), encoded, now_s)
        except InvalidRequestError as error:
            return error
        except Exception:  # noqa: BLE001 - the server meets it again, and tells whoever sent the request.
            return None


def _app(settings: bytes) -> App:
    parsed = AppSettings.FromString(settings)
    return App(parsed, Zone(parsed.app.time_zone))


def _widen(pipe: int) -> None:
    """Have a pipe take more at once, where the system can: at 64 KiB, a job would come in sixteen pieces."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def main() -> None:
    """Work for the server that started this process, and end with it."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)  # Meant for the server, which still needs what is prepared here.
    for pipe in (sys.stdin, sys.stdout):
        _widen(pipe.fileno())
    keep_freed_memory()
    zoneinfo.reset_tzpath(())
    max_events, max_clock_skew_s = map(int, sys.argv[1:])
    worker = _Worker(Preparer(Validator(PlatformReader(), max_clock_skew_s), max_events))
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 20)
    try:
        worker.work(sys.stdin.buffer, output())
    except BrokenPipeError:  # The server is gone, and nobody waits for the rest.
        os._exit(0)


if __name__ == "__main__":
    main()
