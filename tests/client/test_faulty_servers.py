"""What a sender does when a server says that it cannot, and how callers read it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from live.eventmanager.v1.ingest_service_pb2 import (
    GetIngestLimitsResponse,
    IngestOutcome,
    StreamEventsRequest,
    StreamEventsResponse,
)

from eventmanager.client import EventSender, NotServedError, ServerFaultError, read_limits
from eventmanager.errors import InvalidRequestError, OverloadedError, ShuttingDownError, StoreUnavailableError
from eventmanager.services.statuses import MessageError, abort
from tests.client.test_sender import clicks


class BrokenOff(Exception):  # noqa: N818 - an order to the service, not an error.
    """The call ends as gRPC ends it where it loses the server's status."""


class FaultyService:
    """Ends its streams at a message, each for the next of some reasons; after these it stores what comes."""

    def __init__(self, faults: Sequence[Exception], at_message: int) -> None:
        self._faults = list(faults)
        self._at_message = at_message
        self.received: list[tuple[str, bool]] = []

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return the methods for a server."""
        return grpc.method_handlers_generic_handler(
            "live.eventmanager.v1.IngestService",
            {
                "GetIngestLimits": grpc.unary_unary_rpc_method_handler(
                    self._limits, None, GetIngestLimitsResponse.SerializeToString
                ),
                "StreamEvents": grpc.stream_stream_rpc_method_handler(
                    self._stream, StreamEventsRequest.FromString, StreamEventsResponse.SerializeToString
                ),
            },
        )

    async def _limits(self, _request: bytes, _context: Any) -> GetIngestLimitsResponse:
        return GetIngestLimitsResponse(max_events=100, max_request_bytes=1_000_000)

    async def _stream(
        self, requests: AsyncIterator[StreamEventsRequest], context: Any
    ) -> AsyncIterator[StreamEventsResponse]:
        index = 0
        async for request in requests:
            self.received.append((request.events[0].event_id, request.resent))
            if self._faults and index == self._at_message:
                fault = self._faults.pop(0)
                if isinstance(fault, BrokenOff):
                    await context.abort(grpc.StatusCode.INTERNAL, "Internal error from Core")
                await abort(context, MessageError(index, fault))
            index += 1
            yield StreamEventsResponse(outcome=IngestOutcome(stored_count=len(request.events)))


@asynccontextmanager
async def serving(service: FaultyService | None) -> AsyncIterator[str]:
    """Run a server with a service, or with none."""
    server = grpc.aio.server()
    if service:
        server.add_generic_rpc_handlers((service.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@pytest.mark.parametrize("fault", [OverloadedError(5), StoreUnavailableError("the disk is full"), ShuttingDownError()])
async def test_what_may_be_sent_again_is_sent_again_after_the_servers_own_delay(fault: Exception) -> None:
    """Requests without an answer are sent again, marked so, and not before the server said."""
    service = FaultyService([fault], at_message=1)
    async with serving(service) as address, EventSender(address, "shop") as sender:
        await sender.send(clicks(0))
        start_s = time.monotonic()
        outcome = await sender.send(clicks(1))
        passed_s = time.monotonic() - start_s

    assert IngestOutcome(stored_count=1) == outcome
    assert [("e0", False), ("e1", False), ("e1", True)] == service.received
    assert passed_s >= 0.5


async def test_a_fault_of_the_server_is_tried_a_few_times() -> None:
    """A fault that goes away costs nothing; one that stays fails the request it is named for, and no other."""
    service = FaultyService([RuntimeError("boom")] * 4, at_message=0)
    async with serving(service) as address, EventSender(address, "shop") as sender:
        with pytest.raises(ServerFaultError, match=r"Its log tells more under request id [0-9a-f]{32}"):
            await sender.send(clicks(1))

        assert IngestOutcome(stored_count=1) == await sender.send(clicks(2))
    assert [("e1", False), ("e1", True), ("e1", True), ("e1", True), ("e2", False)] == service.received


async def test_a_call_that_broke_off_is_made_again_until_it_is_known_why() -> None:
    """Where nobody said why a call ended it is made again, and in the end the request at fault gets its error."""
    service = FaultyService([*[BrokenOff()] * 5, InvalidRequestError("app", "It is wrong.")], at_message=0)
    async with serving(service) as address, EventSender(address, "shop") as sender:
        answers = [await sender.submit(clicks(number)) for number in range(3)]
        outcomes = await asyncio.gather(*answers, return_exceptions=True)

    assert ["app: It is wrong.", *[str(IngestOutcome(stored_count=1))] * 2] == [str(outcome) for outcome in outcomes]


async def test_a_server_of_something_else_is_told_apart() -> None:
    """A server that does not know the service is named as such."""
    async with serving(None) as address:
        with pytest.raises(NotServedError):
            await read_limits(address)
