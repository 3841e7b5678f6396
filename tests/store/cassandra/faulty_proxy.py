"""A TCP proxy before a node, which can break connections when the node has done what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_AT_ONCE_BYTES: Final = 65_536


class FaultyProxy:
    """Passes on what comes, until it is told to swallow the next answers."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._writers: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.Future[None]] = set()
        self._answers_to_swallow = 0
        self.broken = 0
        """How many connections broke instead of passing on an answer."""

    def break_at_next_answers(self, count: int) -> None:
        """Break the connection instead of passing on the next answers, so many times."""
        self._answers_to_swallow = count

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        end = asyncio.get_running_loop().create_future()
        self._ends.add(end)
        node_reader, node_writer = await asyncio.open_connection(self._host, 9042)
        self._writers |= {writer, node_writer}
        try:
            await asyncio.gather(self._pass_on(reader, node_writer), self._pass_back(node_reader, writer))
        except OSError:
            pass  # The other side is gone.
        finally:
            for each in (writer, node_writer):
                each.close()
            self._writers -= {writer, node_writer}
            end.set_result(None)

    async def close_all(self) -> None:
        """Break all connections, and wait until they are gone."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._ends)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_AT_ONCE_BYTES):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _pass_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_AT_ONCE_BYTES):
            if self._answers_to_swallow:
                self._answers_to_swallow -= 1
                self.broken += 1
                break
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy_between(
    drivers_host: str, node_host: str, encryption: ssl.SSLContext | None = None
) -> AsyncIterator[FaultyProxy]:
    """Run a proxy at one address, before the node at another; it may speak TLS to drivers."""
    proxy = FaultyProxy(node_host)
    server = await asyncio.start_server(proxy.serve, drivers_host, 9042, ssl=encryption)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close_all()
        await server.wait_closed()
