"""Health that follows the store: a server whose store is away does not serve."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from grpc_health.v1 import health, health_pb2

from eventmanager.store.protocol import Store

INTERVAL_S: Final = 2.0
_LONGEST_CHECK_S: Final = 5.0

_log = logging.getLogger(__name__)


class StoreHealth:
    """Asks the store, and tells whoever asks for the server's health."""

    def __init__(self, store: Store, servicer: health.aio.HealthServicer, services: Sequence[str]) -> None:
        self._store = store
        self._servicer = servicer
        self._services = services
        self._status: int | None = None

    async def look(self) -> None:
        """Ask the store once."""
        try:
            async with asyncio.timeout(_LONGEST_CHECK_S):
                await self._store.check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the store does not do what it should.
            if self._status != health_pb2.HealthCheckResponse.NOT_SERVING:
                _log.warning("Not serving until the store answers: %s", error or "it is silent")
            await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        else:
            if self._status == health_pb2.HealthCheckResponse.NOT_SERVING:
                _log.info("Serving again: the store answers.")
            await self._tell(health_pb2.HealthCheckResponse.SERVING)

    async def run(self) -> None:
        """Ask the store every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.look()

    async def _tell(self, status: int) -> None:
        if status != self._status:
            self._status = status
            for service in self._services:
                await self._servicer.set(service, status)
