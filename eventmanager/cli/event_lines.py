"""Reads events from lines of JSON: objects of the original format, told by their `type`, or protobuf-JSON `Event`s."""

import json
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias, TypeVar

from google.protobuf import json_format
from live.eventmanager.v1 import event_pb2
from live.eventmanager.v1.event_pb2 import BtnTime, Click, Event, FunnelChange, UrlChange

_NANOS_PER_SECOND: Final = 1_000_000_000
_INT32: Final = 2**31
_MOST_SHOWN: Final = 60
_END_S: Final = 253_402_300_800
"""The end of the year 9999, where Timestamps end; Durations go a little further."""

_Object: TypeAlias = dict[str, Any]
_Part: TypeAlias = Click | UrlChange | BtnTime | FunnelChange
_Enum = TypeVar("_Enum", bound=int)


class LineError(Exception):
    """A line is no event. The sentence says why."""


class EventLine(NamedTuple):
    """An event and the app that its line names, or an empty text."""

    app: str
    event: Event


def read_event_line(line: bytes) -> EventLine:
    """Read one line. Raises LineError."""
    try:
        fields = json.loads(line, parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise LineError("The line is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise LineError(f"The line is not JSON: {error.msg}, at column {error.colno}.") from None
    except (ValueError, ArithmeticError):
        raise LineError("The line has a number of too many digits.") from None
    except RecursionError:
        raise LineError("The line is nested too deeply.") from None
    if not isinstance(fields, dict):
        raise LineError("The line must be a JSON object.")
    try:
        app = _take_text(fields, "app")
        event = _original(fields) if "type" in fields else _protobuf(line)
    except UnicodeEncodeError:  # protobuf's, about half of a surrogate pair.
        raise LineError("A text holds half of a character (a lone surrogate).") from None
    return EventLine(app, event)


def _refuse_constant(constant: str) -> NoReturn:
    raise LineError(f"The line is not JSON: {constant} is not a number.")


def _protobuf(line: bytes) -> Event:
    fields = json.loads(line)  # Again, because protobuf's reader does not know Decimal.
    fields.pop("app", None)
    try:
        return json_format.ParseDict(fields, Event())
    except json_format.ParseError as error:
        # In one line, and without the list of fields that protobuf adds.
        why = " ".join(str(error).partition("\n Available Fields")[0].split()).rstrip(".")
        raise LineError(f"The line has no `type`, as original events do, and is no protobuf Event: {why}.") from None


def _original(fields: _Object) -> Event:
    kind = fields.pop("type")
    # True and False are numbers for Python.
    fill = _KINDS.get(kind) if isinstance(kind, int | str) and not isinstance(kind, bool) else None
    if fill is None:
        raise LineError(f"`type` is {_shown(kind)}, but must be {_KIND_NAMES}.")
    event = Event(
        event_id=_take_text(fields, "event_id"),
        device_id=_take_text(fields, "device_id"),
        user_agent=_take_text(fields, "user_agent"),
    )
    if (timestamp_ms := _take_number(fields, "timestamp")) is not None:
        seconds, nanos = divmod(_nanos("timestamp", timestamp_ms, decimals=3), _NANOS_PER_SECOND)
        event.timestamp.seconds = seconds
        event.timestamp.nanos = nanos
    left = _take_stage(fields, "left")
    part = fill(event, fields)
    if left is not None and isinstance(part, FunnelChange):
        part.left = left
    if (elapsed_s := _take_number(fields, "elapsed_time")) is not None:
        part.elapsed_time.FromNanoseconds(_nanos("elapsed_time", elapsed_s, decimals=0))
    if fields:
        raise LineError(f"`{min(fields)}` is not a field of a {type(part).__name__}.")
    return event


def _click(event: Event, fields: _Object) -> Click:
    event.click.target = _take_text(fields, "target")
    event.click.current_url = _take_text(fields, "current_url")
    return event.click


def _url_change(event: Event, fields: _Object) -> UrlChange:
    event.url_change.from_url = _take_text(fields, "from")
    event.url_change.to_url = _take_text(fields, "to")
    return event.url_change


def _btn_time(event: Event, fields: _Object) -> BtnTime:
    event.btn_time.target = _take_text(fields, "target")
    event.btn_time.action = _take_word(fields, "action", _BTN_ACTIONS, event_pb2.BTN_ACTION_UNSPECIFIED)
    return event.btn_time


def _funnel_change(event: Event, fields: _Object) -> FunnelChange:
    event.funnel_change.action = _take_word(fields, "action", _FUNNEL_ACTIONS, event_pb2.FUNNEL_ACTION_UNSPECIFIED)
    if (entered := _take_stage(fields, "entered")) is not None:
        event.funnel_change.entered = entered
    return event.funnel_change


_KINDS: Final[Mapping[int | str, Callable[[Event, _Object], _Part]]] = {
    **dict(enumerate((_click, _url_change, _btn_time, _funnel_change))),
    "Click": _click,
    "UrlChange": _url_change,
    "BtnTime": _btn_time,
    "FunnelChange": _funnel_change,
}
_KIND_NAMES: Final = "0 or Click, 1 or UrlChange, 2 or BtnTime, 3 or FunnelChange"
_BTN_ACTIONS: Final = {
    "hover-then-leave": event_pb2.BTN_ACTION_HOVER_THEN_LEAVE,
    "hover-then-clicked": event_pb2.BTN_ACTION_HOVER_THEN_CLICKED,
}
_FUNNEL_ACTIONS: Final = {
    "onClick": event_pb2.FUNNEL_ACTION_ON_CLICK,
    "onUrlChange": event_pb2.FUNNEL_ACTION_ON_URL_CHANGE,
}


# A field that is absent or null is left out: what is required is the server's to say.


def _take_text(fields: _Object, name: str) -> str:
    value = fields.pop(name, None)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LineError(f"`{name}` is {_shown(value)}, but must be a text.")
    return value


def _take_word(fields: _Object, name: str, words: Mapping[str, _Enum], absent: _Enum) -> _Enum:
    value = fields.pop(name, None)
    if value is None:
        return absent
    if not isinstance(value, str) or value not in words:
        raise LineError(f"`{name}` is {_shown(value)}, but must be {' or '.join(words)}.")
    return words[value]


def _take_stage(fields: _Object, name: str) -> int | None:
    value = fields.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT32 <= value < _INT32:
        raise LineError(f"`{name}` is {_shown(value)}, but must be the number of a stage.")
    return value


def _take_number(fields: _Object, name: str) -> Decimal | None:
    value = fields.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise LineError(f"`{name}` is {_shown(value)}, but must be a number.")
    return Decimal(value)


def _nanos(name: str, value: Decimal, decimals: int) -> int:
    """Return seconds, shifted left by some decimals, as nanoseconds, rounded to the nearest."""
    end = _END_S * 10**decimals
    if not -end < value < end:  # Before any arithmetic on a number that may have a million digits.
        raise LineError(f"`{name}` is {_shown(value)}, which is further away than the year 9999.")
    return int(value.scaleb(9 - decimals).to_integral_value(ROUND_HALF_EVEN))


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
