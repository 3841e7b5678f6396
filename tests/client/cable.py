"""A cable between a client and a server that a test can cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Cable:
    """Passes bytes on, until it is cut; new connections are taken again at once, unless it is unplugged."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._writers: list[asyncio.StreamWriter] = []
        self._passing: set[asyncio.Task[None]] = set()
        self._connecting: set[asyncio.Task[None] | None] = set()
        self.is_plugged_in = True
        self.connections = 0
        self.on_bytes_from_server: Callable[[], None] = lambda: None
        self.address = ""

    def cut(self) -> None:
        """Break every connection, whatever is on its way."""
        for writer in self._writers:
            writer.transport.abort()

    async def take_away(self) -> None:
        """Cut it for good, and return once nothing of it is left."""
        self.is_plugged_in = False
        self.cut()
        await asyncio.gather(*filter(None, self._connecting), *self._passing, return_exceptions=True)
        self.cut()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self._writers.append(writer)
        if not self.is_plugged_in:
            writer.transport.abort()
            return
        self.connections += 1
        task = asyncio.current_task()
        self._connecting.add(task)
        server_reader, server_writer = await asyncio.open_connection(self._host, int(self._port))
        self._connecting.discard(task)
        self._writers.append(server_writer)
        for source, sink, tell in (
            (reader, server_writer, lambda: None),
            (server_reader, writer, self._tell),
        ):
            task = asyncio.create_task(_pass_on(source, sink, tell))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    def _tell(self) -> None:
        self.on_bytes_from_server()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, tell: Callable[[], None]) -> None:
    try:
        while passed := await source.read(65_536):
            tell()
            sink.write(passed)
            await sink.drain()
    except ConnectionError:  # It was cut.
        pass
    finally:
        sink.close()


@asynccontextmanager
async def cable_to(address: str) -> AsyncIterator[Cable]:
    """Lay a cable to a server; the client calls the cable's own address."""
    cable = Cable(address)
    server = await asyncio.start_server(cable.connect, "127.0.0.1", 0)
    cable.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        server.close()
        await cable.take_away()
