"""Requests, serialized before anything is measured."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest, StreamEventsRequest

from benchmark.job import Method


def serialize(method: Method, app: str, events: Iterable[Event], events_a_request: int) -> list[bytes]:
    """Serialize events as requests of so many each; the last may have fewer."""
    request_type = StreamEventsRequest if method == "stream" else IngestEventsRequest
    return [request_type(app=app, events=some).SerializeToString() for some in _batches(events, events_a_request)]


def _batches(events: Iterable[Event], size: int) -> Iterator[Sequence[Event]]:
    rest = iter(events)
    while some := list(islice(rest, size)):
        yield some
