"""What the transport makes alone: `python -m benchmark.counting_server` parses requests, and answers with their number
of events as stored.
"""

import asyncio
import signal
from typing import Any

import grpc
from live.eventmanager.v1.ingest_service_pb2 import (
    DESCRIPTOR,
    IngestEventsRequest,
    IngestEventsResponse,
    IngestOutcome,
    StreamEventsRequest,
    StreamEventsResponse,
)


async def ingest_events(request: IngestEventsRequest, _context: Any) -> IngestEventsResponse:
    """Count a request's events."""
    return IngestEventsResponse(outcome=IngestOutcome(stored_count=len(request.events)))


async def stream_events(_requests: Any, context: Any) -> None:
    """Count the events of each message."""
    while (request := await context.read()) is not grpc.aio.EOF:
        outcome = IngestOutcome(stored_count=len(request.events))
        await context.write(StreamEventsResponse(outcome=outcome))


async def serve() -> None:
    """Serve until SIGTERM."""
    server = grpc.aio.server()
    handlers = grpc.method_handlers_generic_handler(
        DESCRIPTOR.services_by_name["IngestService"].full_name,
        {
            "IngestEvents": grpc.unary_unary_rpc_method_handler(
                ingest_events, IngestEventsRequest.FromString, IngestEventsResponse.SerializeToString
            ),
            "StreamEvents": grpc.stream_stream_rpc_method_handler(
                stream_events, StreamEventsRequest.FromString, StreamEventsResponse.SerializeToString
            ),
        },
    )
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print(f"127.0.0.1:{port}", flush=True)  # noqa: T201 - tells who started it where it listens.
    await stopped.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(serve())
