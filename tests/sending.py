"""Sends drawn traffic to a server, and tells what must come of it."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import grpc
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, IngestOutcome, StreamEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from tests.recount.acknowledged import Acknowledged
from tests.traffic import Sending


async def send(channel: grpc.aio.Channel, lane: Sequence[Sending]) -> list[IngestOutcome]:
    """Send a lane's requests, those next to each other that are streamed over one stream; return their outcomes.

    Every description of a refusal is asserted to be there and taken away.
    """
    ingest = IngestServiceStub(channel)
    outcomes: list[IngestOutcome] = []
    for is_streamed, requests in groupby(lane, key=lambda sending: sending.is_streamed):
        if is_streamed:
            call = ingest.StreamEvents(_messages(list(requests)))
            outcomes += [response.outcome async for response in call]
        else:
            for sending in requests:
                request = IngestEventsRequest(
                    app=sending.app,
                    events=[sent.event for sent in sending.events],
                    validate_only=sending.validate_only,
                    resent=sending.resent,
                )
                outcomes.append((await ingest.IngestEvents(request)).outcome)
    for outcome in outcomes:
        for refused in outcome.refused_events:
            assert refused.description.endswith(".")
            refused.ClearField("description")
    return outcomes


def acknowledge(acknowledged: Acknowledged, lane: Sequence[Sending]) -> list[IngestOutcome]:
    """Return the outcomes that a lane's requests must have, and count their events."""
    return [acknowledged.take(sending.app, sending.events, validate_only=sending.validate_only) for sending in lane]


def _messages(requests: Sequence[Sending]) -> Iterator[StreamEventsRequest]:
    app = ""
    for sending in requests:
        # An app that stays the same is named once.
        named = sending.app if sending.app != app else ""
        app = sending.app
        yield StreamEventsRequest(app=named, events=[sent.event for sent in sending.events], resent=sending.resent)
