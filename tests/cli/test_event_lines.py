"""Lines of JSON as events: the original format, protobuf JSON, and what is neither."""

import json
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    FUNNEL_ACTION_ON_URL_CHANGE,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    UrlChange,
)

from eventmanager.cli.event_lines import EventLine, LineError, read_event_line

NOON = Timestamp(seconds=1_781_697_600)
COMMON = {"timestamp": 1_781_697_600_000, "device_id": "u1"}


def line_of(**fields: Any) -> bytes:
    """Write a line with the fields that all events have, and some more."""
    return json.dumps(COMMON | fields).encode()


@pytest.mark.parametrize("kind", [0, "Click"])
def test_an_original_click(kind: int | str) -> None:
    """Type 0 is a click."""
    line = line_of(type=kind, target="buy", elapsed_time=1.5, current_url="/home")

    click = Click(target="buy", current_url="/home", elapsed_time=Duration(seconds=1, nanos=500_000_000))

    assert EventLine("", Event(timestamp=NOON, device_id="u1", click=click)) == read_event_line(line)


@pytest.mark.parametrize("kind", [1, "UrlChange"])
def test_an_original_url_change(kind: int | str) -> None:
    """Type 1 is a change of URL."""
    line = line_of(type=kind, elapsed_time=4, **{"from": "/home", "to": "/products"})

    change = UrlChange(from_url="/home", to_url="/products", elapsed_time=Duration(seconds=4))

    assert EventLine("", Event(timestamp=NOON, device_id="u1", url_change=change)) == read_event_line(line)


@pytest.mark.parametrize(
    ("kind", "action", "expected"),
    [
        (2, "hover-then-leave", BTN_ACTION_HOVER_THEN_LEAVE),
        ("BtnTime", "hover-then-clicked", BTN_ACTION_HOVER_THEN_CLICKED),
    ],
)
def test_an_original_time_on_a_button(kind: int | str, action: str, expected: Any) -> None:
    """Type 2 is time on a button."""
    line = line_of(type=kind, target="div/button", action=action, elapsed_time=0)

    time = BtnTime(target="div/button", action=expected, elapsed_time=Duration())

    assert EventLine("", Event(timestamp=NOON, device_id="u1", btn_time=time)) == read_event_line(line)


@pytest.mark.parametrize(
    ("kind", "action", "expected"),
    [(3, "onClick", FUNNEL_ACTION_ON_CLICK), ("FunnelChange", "onUrlChange", FUNNEL_ACTION_ON_URL_CHANGE)],
)
def test_an_original_change_of_stage(kind: int | str, action: str, expected: Any) -> None:
    """Type 3 is a change of stage, perhaps with the one left."""
    line = line_of(type=kind, action=action, entered=2, left=0, elapsed_time=0.25)

    change = FunnelChange(action=expected, entered=2, left=0, elapsed_time=Duration(nanos=250_000_000))

    assert EventLine("", Event(timestamp=NOON, device_id="u1", funnel_change=change)) == read_event_line(line)


def test_what_every_original_event_may_say() -> None:
    """Any event may have an id, an app, a user agent and `left`, which only stages have a use for."""
    line = line_of(type=0, target="buy", current_url="/", event_id="e1", app="shop", user_agent="Firefox", left=3)

    event = Event(
        event_id="e1",
        timestamp=NOON,
        device_id="u1",
        user_agent="Firefox",
        click=Click(target="buy", current_url="/"),
    )

    assert EventLine("shop", event) == read_event_line(line)


def test_what_is_missing_is_left_to_the_server() -> None:
    """A field that is absent or null is not set: the server says what is required."""
    line = b'{"type": 0, "target": null, "elapsed_time": null}'

    assert EventLine("", Event(click=Click())) == read_event_line(line)


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_seconds_are_taken_exactly(nanos: int) -> None:
    """A time in seconds with up to nine decimals becomes that very time, which binary fractions could not hold."""
    line = b'{"type": 0, "elapsed_time": %s}' % str(Decimal(nanos).scaleb(-9)).encode()

    assert nanos == read_event_line(line).event.click.elapsed_time.ToNanoseconds()


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_milliseconds_are_taken_exactly(time_ms: int) -> None:
    """A timestamp becomes that very instant."""
    line = b'{"type": 0, "timestamp": %d}' % time_ms

    assert time_ms * 1_000_000 == read_event_line(line).event.timestamp.ToNanoseconds()


@pytest.mark.parametrize(
    ("written", "nanos"),
    [
        (b"0.1", 100_000_000),
        (b"1e-3", 1_000_000),
        (b"0.30000000000000004", 300_000_000),
        (b"0.29999999999999998", 300_000_000),
        (b"1e-400", 0),
    ],
)
def test_seconds_are_rounded_to_the_nearest_nanosecond(written: bytes, nanos: int) -> None:
    """What a browser's arithmetic adds behind the ninth decimal is rounded away."""
    line = b'{"type": 0, "elapsed_time": %s}' % written

    assert nanos == read_event_line(line).event.click.elapsed_time.ToNanoseconds()


def test_a_protobuf_event() -> None:
    """A line without a type is protobuf JSON, in either spelling of its names, and may name an app."""
    line = (
        b'{"app": "shop", "device_id": "u1", "timestamp": "2026-06-17T12:00:00Z", '
        b'"urlChange": {"from": "/home", "to": "/products", "elapsed_time": "4s"}}'
    )

    change = UrlChange(from_url="/home", to_url="/products", elapsed_time=Duration(seconds=4))

    assert EventLine("shop", Event(timestamp=NOON, device_id="u1", url_change=change)) == read_event_line(line)


def test_protobufs_own_lines_are_read() -> None:
    """What protobuf writes is read."""
    event = Event(timestamp=NOON, device_id="ü", funnel_change=FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=0))
    line = json_format.MessageToJson(event, indent=None).encode()

    assert EventLine("", event) == read_event_line(line)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"\xff", "The line is not UTF-8."),
        (b"{", "The line is not JSON: Expecting property name enclosed in double quotes, at column 2."),
        (b"[]", "The line must be a JSON object."),
        (b"7", "The line must be a JSON object."),
        (b'{"type": 0, "elapsed_time": NaN}', "The line is not JSON: NaN is not a number."),
        (b"9" * 5_000, "The line has a number of too many digits."),
        (b'{"type": 0, "elapsed_time": 1e9999999999999999999}', "The line has a number of too many digits."),
        (b"[" * 100_000, "The line is nested too deeply."),
        (b'{"type": 4}', "`type` is 4, but must be 0 or Click, 1 or UrlChange, 2 or BtnTime, 3 or FunnelChange."),
        (b'{"type": true}', "`type` is true, but must be 0 or Click, 1 or UrlChange, 2 or BtnTime, 3 or FunnelChange."),
        (b'{"type": 1.0}', "`type` is 1.0, but must be 0 or Click, 1 or UrlChange, 2 or BtnTime, 3 or FunnelChange."),
        (b'{"type": [0]}', "`type` is [0], but must be 0 or Click, 1 or UrlChange, 2 or BtnTime, 3 or FunnelChange."),
        (b'{"type": 0, "device_id": 7}', "`device_id` is 7, but must be a text."),
        (b'{"type": 0, "timestamp": "now"}', '`timestamp` is "now", but must be a number.'),
        (b'{"type": 0, "elapsed_time": false}', "`elapsed_time` is false, but must be a number."),
        (b'{"type": 0, "elapsed_time": 1e99}', "`elapsed_time` is 1E+99, which is further away than the year 9999."),
        (
            b'{"type": 2, "action": "onClick"}',
            '`action` is "onClick", but must be hover-then-leave or hover-then-clicked.',
        ),
        (b'{"type": 3, "action": 1}', "`action` is 1, but must be onClick or onUrlChange."),
        (b'{"type": 3, "entered": 2147483648}', "`entered` is 2147483648, but must be the number of a stage."),
        (b'{"type": 3, "entered": 1.5}', "`entered` is 1.5, but must be the number of a stage."),
        (b'{"type": 0, "elapsedTime": 1}', "`elapsedTime` is not a field of a Click."),
        (b'{"type": 3, "current_url": "/"}', "`current_url` is not a field of a FunnelChange."),
        (b'{"type": 0, "target": "\\ud800"}', "A text holds half of a character (a lone surrogate)."),
        (b'{"app": 7}', "`app` is 7, but must be a text."),
        (b'{"type": 0, "app": 1%s}' % (b"0" * 100), f"`app` is 1{'0' * 59}…, but must be a text."),
        (
            b'{"click": {"a\\nb": 1}}',
            (
                "The line has no `type`, as original events do, and is no protobuf Event: Message type "
                '"live.eventmanager.v1.Click" has no field named "a b" at "Event.click".'
            ),
        ),
        (
            b'{"device": "u1"}',
            (
                "The line has no `type`, as original events do, and is no protobuf Event: Message type "
                '"live.eventmanager.v1.Event" has no field named "device" at "Event".'
            ),
        ),
    ],
)
def test_a_line_that_is_no_event_is_refused_in_a_sentence(line: bytes, sentence: str) -> None:
    """What is wrong with a line is said so that it can be found in it."""
    with pytest.raises(LineError) as refusal:
        read_event_line(line)

    assert sentence == str(refusal.value)


def is_read_or_refused(line: bytes) -> bool:
    """Tell whether a line becomes an event that can be sent, or is refused in a sentence."""
    try:
        return read_event_line(line).event.SerializeToString() is not None
    except LineError as error:
        return str(error).endswith(".")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    """No line brings the reader down."""
    assert is_read_or_refused(line)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *("type", "timestamp", "device_id", "target", "elapsed_time", "current_url", "from", "to", "action", "entered"),
    *("left", "app", "event_id", "user_agent", "click", "funnel_change"),
)


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=6))
def test_any_object_is_read_or_refused(fields: dict[str, Any]) -> None:
    """No object brings the reader down."""
    assert is_read_or_refused(json.dumps(fields).encode())
