"""Commits go first: what may wait is done between them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class CommitTurns:
    """Knows whether a commit is under way."""

    def __init__(self) -> None:
        self._under_way = 0
        self._between = asyncio.Event()
        self._between.set()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Have others wait meanwhile."""
        self._under_way += 1
        self._between.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._between.set()

    async def wait(self) -> None:
        """Return once a commit has ended, if one is under way. The next may have begun by then."""
        await self._between.wait()
