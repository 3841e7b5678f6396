"""A real server on a port of its own, its clock in the test's hands, and a channel to it."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest
from hypothesis import settings

from eventmanager.config import SQLITE_IN_MEMORY, Config
from eventmanager.server import Server, start

# A machine that is busy with something else is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Whoever runs the tests in a shell's background has Ctrl-C ignored, and so would the commands under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.cassandra_nodes"]

NOON_S = 1_781_697_600.0
"""2026-06-17T12:00:00Z, a Wednesday: where tests' clocks begin."""


class Clock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.time_s = NOON_S

    def __call__(self) -> float:
        return self.time_s


StartServer: TypeAlias = Callable[..., Awaitable[Server]]
"""Starts a server with some settings other than the tests' own; it is stopped after the test."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def start_server(clock: Clock) -> AsyncIterator[StartServer]:
    async with AsyncExitStack() as stack:

        async def started(store: str = SQLITE_IN_MEMORY, **settings: object) -> Server:
            config = Config(listen="127.0.0.1:0", store=store, **settings)  # type: ignore[arg-type] # Config checks them.
            server = await start(config, clock)
            stack.push_async_callback(server.stop, 1)
            return server

        yield started


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    return await start_server()


@pytest.fixture
async def channel(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A store on a file that is not there yet."""
    return f"sqlite:{tmp_path / 'events.db'}"
