"""A TCP proxy before a node, which can break connections when the node has done what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

_AT_ONCE_BYTES: Final = 65_536
_TO_BE_DONE_S: Final = 0.3
"""How long a node may take for what it was asked."""


@dataclass(slots=True)
class WatchedWrite:
    """Any request that holds some bytes, through whichever proxy: the first one's answer is lost."""

    marker: bytes
    forwarded: int = 0
    """How many such requests went on to a node."""
    answers_lost: int = 0


class FaultyProxy:
    """Passes on what comes, until it is told to swallow answers."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._writers: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.Future[None]] = set()
        self._answers_to_swallow = 0
        self._watched = WatchedWrite(b"")
        self.broken = 0
        """How many connections broke instead of passing on an answer."""

    def break_at_next_answers(self, count: int) -> None:
        """Break the connection instead of passing on the next answers, so many times."""
        self._answers_to_swallow = count

    def watch(self, write: WatchedWrite) -> None:
        """Count requests, and lose what the node answers to the first: then the connection breaks."""
        self._watched = write

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        end = asyncio.get_running_loop().create_future()
        self._ends.add(end)
        node_reader, node_writer = await asyncio.open_connection(self._host, 9042)
        self._writers |= {writer, node_writer}
        answer_is_lost = asyncio.Event()
        try:
            await asyncio.gather(
                self._pass_on(reader, node_writer, answer_is_lost), self._pass_back(node_reader, writer, answer_is_lost)
            )
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

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_is_lost: asyncio.Event
    ) -> None:
        end = b""  # A marker may come in two pieces.
        while data := await reader.read(_AT_ONCE_BYTES):
            watched = self._watched
            if watched.marker and watched.marker in end + data:
                watched.forwarded += 1
                if watched.forwarded == 1:
                    answer_is_lost.set()
            end = data[1 - len(watched.marker) :] if len(watched.marker) > 1 else b""
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _pass_back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_is_lost: asyncio.Event
    ) -> None:
        while data := await reader.read(_AT_ONCE_BYTES):
            if answer_is_lost.is_set():
                self._watched.answers_lost += 1
                # Whatever else it was asked meanwhile is done, too.
                await asyncio.sleep(_TO_BE_DONE_S)
                break
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
