"""One worker of several: `python -m eventmanager.worker`, started by `workers`."""

import asyncio
import sys

import orjson

from eventmanager.config import Config
from eventmanager.errors import StartError
from eventmanager.freed_memory import keep_freed_memory
from eventmanager.server import run, start, stop_on_signals
from eventmanager.workers import READY, log_to_stderr


def main() -> None:
    """Serve with the settings on standard input until that ends, or a signal comes."""
    config = Config(**orjson.loads(sys.stdin.buffer.readline()))
    log_to_stderr(config.log_level)
    keep_freed_memory()
    try:
        asyncio.run(_serve(config))
    except StartError as error:
        print(error, flush=True)  # noqa: T201 - to the process that started this one.
        sys.exit(1)


async def _serve(config: Config) -> None:
    server = await start(config, shares_port=True)
    stopped = stop_on_signals()
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(sys.stdin.fileno())
        stopped.set()

    loop.add_reader(sys.stdin.fileno(), end)  # Nothing comes but the end.
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    await run(server, config.grace_s, stopped)


if __name__ == "__main__":
    main()
