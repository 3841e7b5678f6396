"""IngestService: takes requests as bytes, because their hash and the log want the events as they were sent."""

from typing import Any, Final

import grpc
from live.eventmanager.storage.v1.request_pb2 import IngestEventsHead, StreamEventsHead
from live.eventmanager.v1.ingest_service_pb2 import (
    DESCRIPTOR,
    GetIngestLimitsResponse,
    IngestEventsResponse,
    StreamEventsResponse,
)

from eventmanager.app_directory import AppDirectory
from eventmanager.apps import App
from eventmanager.config import Config
from eventmanager.errors import UnknownAppError
from eventmanager.ingestion import Ingestion
from eventmanager.pending_requests import PendingRequest
from eventmanager.services.event_stream import EventStream, OpenStreams
from eventmanager.services.statuses import Context, read_message

SERVICE: Final = DESCRIPTOR.services_by_name["IngestService"].full_name
PREVIOUS_ATTEMPTS_KEY: Final = "grpc-previous-rpc-attempts"
"""Set by gRPC when it retries a call by itself: https://github.com/grpc/proposal/blob/master/A6-client-retries.md."""


class IngestServicer:
    """Answers IngestService."""

    def __init__(self, directory: AppDirectory, ingestion: Ingestion, streams: OpenStreams, config: Config) -> None:
        self._directory = directory
        self._ingestion = ingestion
        self._streams = streams
        self._limits = GetIngestLimitsResponse(max_events=config.max_events, max_request_bytes=config.max_request_bytes)
        self._limits.max_clock_skew.FromSeconds(config.max_clock_skew_s)

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return the service's methods for a server."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "IngestEvents": grpc.unary_unary_rpc_method_handler(
                    self.ingest_events, None, IngestEventsResponse.SerializeToString
                ),
                "StreamEvents": grpc.stream_stream_rpc_method_handler(
                    self.stream_events, None, StreamEventsResponse.SerializeToString
                ),
                "GetIngestLimits": grpc.unary_unary_rpc_method_handler(
                    self.get_ingest_limits, None, GetIngestLimitsResponse.SerializeToString
                ),
            },
        )

    async def ingest_events(self, encoded: bytes, context: Context) -> IngestEventsResponse:
        """Store a request's events."""
        self._ingestion.require_room()  # Before the work of reading a request that would be refused.
        request = read_message(IngestEventsHead, encoded)
        if request.validate_only:
            try:
                app = await self._directory.app(request.app)
            except UnknownAppError:
                app = self._directory.default_app(request.app)
            return IngestEventsResponse(outcome=self._ingestion.rehearse(app, encoded))
        app = self._directory.cached(request.app) or await self._directory.app_for_ingest(request.app)
        resent = request.resent or _was_tried_before(context)
        pending = self._ingestion.begin(app, encoded, resent=resent)
        return IngestEventsResponse(outcome=await pending.outcome())

    async def stream_events(self, _requests: Any, context: Context) -> None:
        """Store the events of a stream's messages, one after the other."""
        resent_by_grpc = _was_tried_before(context)
        app_id = ""
        last: PendingRequest | None = None

        async def begin(encoded: bytes) -> PendingRequest:
            nonlocal app_id, last
            request = read_message(StreamEventsHead, encoded)
            app_id = request.app or app_id
            app: App = self._directory.cached(app_id) or await self._directory.app_for_ingest(app_id)
            await self._ingestion.wait_for_room()
            resent = request.resent or resent_by_grpc
            last = self._ingestion.begin(app, encoded, resent=resent, after=last)
            return last

        await EventStream(context, begin).run(self._streams)

    async def get_ingest_limits(self, _encoded: bytes, _context: Context) -> GetIngestLimitsResponse:
        """Tell the limits."""
        return self._limits


def _was_tried_before(context: Context) -> bool:
    return any(key == PREVIOUS_ATTEMPTS_KEY for key, _ in context.invocation_metadata() or ())
