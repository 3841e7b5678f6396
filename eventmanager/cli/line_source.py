"""Reads lines from a file or an endless pipe, in the background and no further ahead than a few chunks."""

import asyncio
import os
import threading
from collections.abc import Sequence
from typing import Final

_CHUNK_BYTES: Final = 256 * 1024
_CHUNKS_AHEAD: Final = 4

LONGEST_LINE_BYTES: Final = 1024 * 1024
"""Far above any event that a server takes."""


class LineSource:
    """The lines of an open file, in lists as they come. A longer line is cut, one byte beyond LONGEST_LINE_BYTES."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[Sequence[bytes] | OSError | None] = asyncio.Queue()
        self._room = threading.Semaphore(_CHUNKS_AHEAD)
        self.bytes_read = 0
        # A thread of its own, that does not keep the process alive: reading from a terminal cannot be interrupted.
        threading.Thread(target=self._read, name="LineSource", daemon=True).start()

    async def next_lines(self) -> Sequence[bytes] | None:
        """Return what comes next, or None at the end. Raises OSError where the file cannot be read on."""
        chunk = await self._chunks.get()
        self._room.release()
        if isinstance(chunk, OSError):
            raise chunk
        return chunk

    def _read(self) -> None:
        rest = b""
        try:
            while chunk := os.read(self._descriptor, _CHUNK_BYTES):
                self.bytes_read += len(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[: LONGEST_LINE_BYTES + 1]
                if lines:
                    self._hand_over(lines)
        except OSError as error:
            self._hand_over(error)
            return
        if rest:
            self._hand_over([rest])
        self._hand_over(None)

    def _hand_over(self, chunk: Sequence[bytes] | OSError | None) -> None:
        self._room.acquire()
        try:
            self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
        except RuntimeError:  # The loop is closed: nobody reads any more.
            raise SystemExit from None
