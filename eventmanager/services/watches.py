"""Watches of health: calls without an end, for which a server that stops would wait as long as it may."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc

from eventmanager.errors import ShuttingDownError

WATCH_METHOD: Final = "/grpc.health.v1.Health/Watch"
_LAST_NEWS_S: Final = 0.1
"""Time for a watch to tell that the server stops, before it ends."""

Behaviour: TypeAlias = "Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]"


class Watches:
    """The watches that are open, so that a server that stops can end them."""

    def __init__(self) -> None:
        self._end = asyncio.Event()

    def end_all(self) -> None:
        """Have every watch tell the latest, and end."""
        self._end.set()

    def ending(self, watch: Behaviour) -> Behaviour:
        """Return a watch that raises ShuttingDownError once all are to end."""

        async def call(request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
            watching = asyncio.ensure_future(watch(request, context))
            ended = asyncio.create_task(self._end.wait())
            try:
                await asyncio.wait((watching, ended), return_when=asyncio.FIRST_COMPLETED)
                if not watching.done():
                    await asyncio.wait((watching,), timeout=_LAST_NEWS_S)
                    raise ShuttingDownError
                return await watching
            finally:
                watching.cancel()
                ended.cancel()

        return call
