"""What a server takes at once."""

from dataclasses import dataclass

import grpc
from live.eventmanager.v1.ingest_service_pb2 import GetIngestLimitsRequest, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.client.channel import connect
from eventmanager.client.errors import RequestTooLargeError, error_of


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """The most that one request may hold."""

    max_events: int
    max_request_bytes: int

    def check(self, request: StreamEventsRequest) -> None:
        """Raise RequestTooLargeError where the server would not take a request."""
        for had, most, what in (
            (len(request.events), self.max_events, "events"),
            (request.ByteSize(), self.max_request_bytes, "bytes"),
        ):
            if had > most:
                raise RequestTooLargeError(f"The request has {had:,} {what}, and the server takes {most:,} at once.")


async def read_limits(target: str) -> IngestLimits:
    """Ask a server for its limits, once, without waiting for one. Raises CallError."""
    async with connect(target) as channel:
        try:
            limits = await IngestServiceStub(channel).GetIngestLimits(GetIngestLimitsRequest())
        except grpc.aio.AioRpcError as failure:
            raise error_of(failure, target) from None
    return IngestLimits(limits.max_events, limits.max_request_bytes)
