"""What may be wrong with an event: one field at a time, with the refusal that must come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import (
    REFUSAL_REASON_IN_FUTURE,
    REFUSAL_REASON_INVALID_VALUE,
    REFUSAL_REASON_MISSING_FIELD,
    REFUSAL_REASON_TOO_LONG,
    REFUSAL_REASON_TOO_OLD,
    RefusalReason,
)

from tests.recount.acknowledged import Refusal

MAX_CLOCK_SKEW_S: Final = 600
THIRTY_DAYS_S: Final = 30 * 86_400
YEAR_2000_S: Final = 946_684_800

_LIMITS: Final = {
    "event_id": 64,
    "device_id": 128,
    "user_agent": 1_024,
    "platform.browser": 64,
    "platform.os": 64,
    "platform.device": 64,
    "click.target": 1_024,
    "click.current_url": 2_048,
    "url_change.from_url": 2_048,
    "url_change.to_url": 2_048,
    "btn_time.target": 1_024,
}
_REQUIRED: Final = (
    "timestamp",
    "device_id",
    "click.target",
    "click.current_url",
    "url_change.to_url",
    "btn_time.target",
    "btn_time.action",
    "btn_time.elapsed_time",
    "funnel_change.action",
    "funnel_change.entered",
)
_TIMES: Final = ("click.elapsed_time", "url_change.elapsed_time", "btn_time.elapsed_time", "funnel_change.elapsed_time")
_NO_TIMES: Final = ((-1, 0), (0, -1), (-1, -1), (THIRTY_DAYS_S, 1), (THIRTY_DAYS_S + 1, 0), (1, -1), (1, 10**9))
_INVALID: Final = {
    "btn_time.action": (3, -1),
    "funnel_change.action": (3, -1),
    "funnel_change.entered": (-1, -(2**31)),
    "funnel_change.left": (-1, -(2**31)),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that any event, or those of one kind, can have."""

    name: str
    kind: str
    refusal: Refusal
    spoil: Callable[[Event, int], None]
    """Gives it to an event, at a time of the server's clock."""
    is_mended_by_queries: bool = False
    """Whether it is none where the app keeps URLs' queries."""


def _at(event: Event, path: str) -> tuple[Any, str]:
    """Return the message that holds a field, and the field's own name."""
    *parents, name = path.split(".")
    message: Any = event
    for parent in parents:
        message = getattr(message, parent)
    return message, name


def _setter(path: str, value: object) -> Callable[[Event, int], None]:
    def spoil(event: Event, _: int) -> None:
        message, name = _at(event, path)
        setattr(message, name, value)

    return spoil


def _clearer(path: str) -> Callable[[Event, int], None]:
    def spoil(event: Event, _: int) -> None:
        message, name = _at(event, path)
        message.ClearField(name)

    return spoil


def _time_setter(path: str, seconds: int, nanos: int) -> Callable[[Event, int], None]:
    def spoil(event: Event, _: int) -> None:
        message, name = _at(event, path)
        getattr(message, name).seconds = seconds
        getattr(message, name).nanos = nanos

    return spoil


def _without_type(event: Event, _: int) -> None:
    event.ClearField(event.WhichOneof("type") or "click")


def _too_far_ahead(event: Event, now_s: int) -> None:
    event.timestamp.seconds = now_s + MAX_CLOCK_SKEW_S + 1


def _fault(
    name: str,
    path: str,
    reason: RefusalReason.ValueType,
    spoil: Callable[[Event, int], None],
    *,
    is_mended_by_queries: bool = False,
) -> Fault:
    first, _, _ = path.partition(".")
    kind = first if first in ("click", "url_change", "btn_time", "funnel_change") else ""
    return Fault(name, kind, Refusal(reason, path), spoil, is_mended_by_queries)


FAULTS: Final = [
    _fault("no type", "type", REFUSAL_REASON_MISSING_FIELD, _without_type),
    _fault("ahead", "timestamp", REFUSAL_REASON_IN_FUTURE, _too_far_ahead),
    _fault("far ahead", "timestamp", REFUSAL_REASON_IN_FUTURE, _time_setter("timestamp", 2**62, 0)),
    _fault("year 1999", "timestamp", REFUSAL_REASON_TOO_OLD, _time_setter("timestamp", YEAR_2000_S - 1, 999_999_999)),
    _fault("long ago", "timestamp", REFUSAL_REASON_TOO_OLD, _time_setter("timestamp", -(2**62), 0)),
    *(
        _fault(f"{nanos} ns", "timestamp", REFUSAL_REASON_INVALID_VALUE, _time_setter("timestamp", YEAR_2000_S, nanos))
        for nanos in (-1, 10**9)
    ),
    *(_fault(f"no {path}", path, REFUSAL_REASON_MISSING_FIELD, _clearer(path)) for path in _REQUIRED),
    *(
        _fault(f"long {path}", path, REFUSAL_REASON_TOO_LONG, _setter(path, "😀" * (limit + 1)))
        for path, limit in _LIMITS.items()
    ),
    *(
        _fault(f"long {path} before its query", path, REFUSAL_REASON_TOO_LONG, _setter(path, "/?" + "q" * 2_047))
        for path in ("click.current_url", "url_change.from_url", "url_change.to_url")
    ),
    *(
        _fault(f"{path} {url}", path, REFUSAL_REASON_INVALID_VALUE, _setter(path, url), is_mended_by_queries=True)
        for path in ("click.current_url", "url_change.to_url")
        for url in ("?q=1", "#top", "#a?b", "?")
    ),
    *(
        _fault(f"{path} of {time}", path, REFUSAL_REASON_INVALID_VALUE, _time_setter(path, *time))
        for path in _TIMES
        for time in _NO_TIMES
    ),
    *(
        _fault(f"{path} {value}", path, REFUSAL_REASON_INVALID_VALUE, _setter(path, value))
        for path, values in _INVALID.items()
        for value in values
    ),
]
"""Every fault there is, but for what the retention of an app makes too old."""
