"""Several servers behind one port, each a process of its own: one that dies is started again.

A worker reads its settings from its standard input, whose end tells it that whoever started it is gone, and says on its
standard output how its start went.
"""

import asyncio
import dataclasses
import logging
import socket
import sys
from asyncio.subprocess import PIPE, Process
from typing import Final

import orjson

from eventmanager.config import Address, Config
from eventmanager.errors import StartError
from eventmanager.server import stop_on_signals

READY: Final = b"ready\n"
_WORKER: Final = "eventmanager.worker"
_SHORTEST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_LONG_LIFE_S: Final = 60.0
_LAST_GRACE_S: Final = 5.0
"""How much longer than its own time of grace a worker may take to end."""

_log = logging.getLogger(__name__)


def log_to_stderr(level: str) -> None:
    """Write the process's log to standard error, a line an entry."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )


async def serve_with_workers(config: Config) -> None:
    """Serve with `config.workers` processes until SIGTERM or SIGINT; then stop them all. Raises StartError."""
    with _reserve(config.address) as reserved:
        address = str(config.address._replace(port=reserved.getsockname()[1]))
        stopped = stop_on_signals()
        # What follows from their number is settled before each of them believes to be alone.
        alone = dataclasses.replace(config, listen=address, workers=1, prepare_beside=config.prepares_beside)
        workers = _Workers(alone)
        try:
            for _ in range(config.workers):
                await workers.start_one()
            _log.info("Listening on %s with %d workers, storing in %s.", address, config.workers, config.store)
            keepers = [asyncio.create_task(workers.keep(worker)) for worker in tuple(workers.running)]
            await stopped.wait()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        finally:
            await workers.stop()
        _log.info("Stopped.")


def _reserve(address: Address) -> socket.socket:
    """Take the address for the workers alone to share. Raises StartError."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        # First as one who does not share: so it fails where another group of workers listens.
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((address.host, address.port))
    except OSError as error:
        reserved.close()
        raise StartError(f"Cannot listen on {address}: {error.strerror}. Choose another with --listen.") from None
    return reserved


class _Workers:
    """The processes of one server."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.running: set[Process] = set()

    async def start_one(self) -> Process:
        """Start a worker, and return once it serves. Raises StartError with what the worker says."""
        worker = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", _WORKER, stdin=PIPE, stdout=PIPE)
        self.running.add(worker)
        if worker.stdin is None or worker.stdout is None:
            raise AssertionError("the worker was started with pipes")
        worker.stdin.write(orjson.dumps(dataclasses.asdict(self._config)) + b"\n")
        said = await worker.stdout.readline()
        if said != READY:
            self.running.discard(worker)
            await worker.wait()
            raise StartError(said.decode().strip() or "A worker ended before it could serve. Its log says why.")
        return worker

    async def keep(self, worker: Process) -> None:
        """Start a worker again whenever it ends, after longer and longer waits where it ends soon, until cancelled."""
        wait_s = _SHORTEST_WAIT_S
        loop = asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            status = await worker.wait()
            self.running.discard(worker)
            if loop.time() - started_s > _LONG_LIFE_S:
                wait_s = _SHORTEST_WAIT_S
            while True:
                _log.warning("Worker %d ended with status %d; another starts in %.1f s.", worker.pid, status, wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                try:
                    worker = await self.start_one()
                    break
                except StartError as error:
                    _log.warning("A worker could not start: %s", error)

    async def stop(self) -> None:
        """Have all workers answer what they have in hand, and end."""
        for worker in self.running:
            if worker.returncode is None:
                worker.terminate()
        ended = [asyncio.create_task(worker.wait()) for worker in self.running]
        if ended:
            _, late = await asyncio.wait(ended, timeout=self._config.grace_s + _LAST_GRACE_S)
            if late:
                for worker in self.running:
                    if worker.returncode is None:
                        worker.kill()
                await asyncio.wait(late)
