"""Each step of ingest alone, without gRPC and without a store: what one core makes of it."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from live.eventmanager.storage.v1.block_pb2 import SerializedEvents
from live.eventmanager.v1 import admin_service_pb2
from live.eventmanager.v1.ingest_service_pb2 import StreamEventsRequest

from benchmark.figures import StepFigures
from benchmark.requests import serialize
from benchmark.traffic import Hours, Traffic
from eventmanager.app_settings import new_settings, normal_app
from eventmanager.apps import App
from eventmanager.blocks import Block
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.block_writer import BlockWriter
from eventmanager.preparation.validation import Admission, Validator
from eventmanager.zones import Zone

APP: Final = "bench"
REQUEST_SIZES: Final = (1_000, 100, 10)

_HOUR_S: Final = 3_600
_CLOCK_SKEW_S: Final = 600
_REMEMBERED_IDS: Final = 1_000_000
_FOLDED_EVENTS: Final = 10_000
"""Events that are folded at once, as in a commit of a busy server."""


def measure_steps(event_count: int, seed: int) -> list[StepFigures]:
    """Measure each step over requests of each size."""
    return [figures for size in REQUEST_SIZES for figures in _measure(event_count, size, seed)]


def make_blocks(event_count: int, events_a_request: int, seed: int) -> list[Block]:
    """Make the blocks that the server would make of so many events."""
    requests = _requests(event_count, events_a_request, seed)
    return _write(_admit(requests, int(time.time())), _split(requests))


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep the garbage collector from running in between."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _measure(event_count: int, events_a_request: int, seed: int) -> list[StepFigures]:
    requests = _requests(event_count, events_a_request, seed)
    now_s = int(time.time())
    _admit(requests[:1], now_s)  # Loads what is loaded once.
    figures: list[StepFigures] = []

    def note(step: str, start_s: float) -> None:
        us_an_event = (time.process_time() - start_s) / event_count * 1e6
        figures.append(StepFigures(step=step, events_a_request=events_a_request, us_an_event=us_an_event))

    with without_collector():
        start_s = time.process_time()
        parsed = [StreamEventsRequest.FromString(request) for request in requests]
        sent = _split(requests)
        note("parse", start_s)
        validator, app = bench_validator(), bench_app()
        start_s = time.process_time()
        admissions = [validator.admit(app, request.events, str, now_s) for request in parsed]
        note("validation", start_s)
        start_s = time.process_time()
        blocks = _write(admissions, sent)
        note("block", start_s)
        memory = Memory(_REMEMBERED_IDS)
        at_once = max(1, _FOLDED_EVENTS // events_a_request)
        start_s = time.process_time()
        for first in range(0, len(blocks), at_once):
            fold(blocks[first : first + at_once], memory)
            memory.keep()
        note("fold", start_s)
    return figures


def _requests(event_count: int, events_a_request: int, seed: int) -> list[bytes]:
    traffic = Traffic(seed, event_count, Hours(int(time.time()) - _HOUR_S, _HOUR_S))
    return serialize("stream", APP, traffic, events_a_request)


def _split(requests: Sequence[bytes]) -> list[SerializedEvents]:
    """Return each request's events as they were sent, and nothing else."""
    sent = [SerializedEvents.FromString(request) for request in requests]
    for events in sent:
        events.DiscardUnknownFields()
    return sent


def _admit(requests: Sequence[bytes], now_s: int) -> list[Admission]:
    validator, app = bench_validator(), bench_app()
    return [validator.admit(app, StreamEventsRequest.FromString(request).events, str, now_s) for request in requests]


def _write(admissions: Sequence[Admission], sent: Sequence[SerializedEvents]) -> list[Block]:
    writer = BlockWriter()
    return [
        block
        for admission, events in zip(admissions, sent, strict=True)
        for admitted in admission.admitted
        for block, _ in writer.write(admitted, events, b"")
    ]


def bench_validator() -> Validator:
    """Make what checks events, as a server does."""
    return Validator(PlatformReader(), _CLOCK_SKEW_S)


def bench_app() -> App:
    """Return the app that all is measured with."""
    app = normal_app(admin_service_pb2.App(app=APP))
    return App(new_settings(app), Zone(app.time_zone))
