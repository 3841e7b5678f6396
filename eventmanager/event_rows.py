"""Reads an Event's type into the parts of an EventRow that depend on it, or says which field is at fault."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from live.eventmanager.v1.event_pb2 import BtnTime, Click, Event, FunnelChange, UrlChange
from live.eventmanager.v1.ingest_service_pb2 import (
    REFUSAL_REASON_INVALID_VALUE,
    REFUSAL_REASON_MISSING_FIELD,
    REFUSAL_REASON_TOO_LONG,
    RefusalReason,
)

from eventmanager.events import BTN_TIME, CLICK, FUNNEL_CHANGE, NO_STAGE, NO_TIME_MS, URL_CHANGE

MAX_TARGET_LENGTH: Final = 1_024
MAX_URL_LENGTH: Final = 2_048
MAX_ELAPSED_S: Final = 30 * 86_400
_NANOS_PER_SECOND: Final = 1_000_000_000
_NANOS_PER_MS: Final = 1_000_000

Parts: TypeAlias = tuple[int, Any, Any, int, bool]
"""kind, subject, detail, elapsed_ms of an EventRow; and whether a URL of the event was cleaned, in place."""


class RefusedFieldError(Exception):
    """A field is at fault, by its path in the event, for a reason and with a sentence for a developer."""

    def __init__(self, reason: RefusalReason.ValueType, field: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.field = field
        self.description = description


def missing(field: str) -> RefusedFieldError:
    """Refuse a field that is empty or absent."""
    return RefusedFieldError(REFUSAL_REASON_MISSING_FIELD, field, f"{field} is required and is not there.")


def invalid(field: str, description: str) -> RefusedFieldError:
    """Refuse a field's value."""
    return RefusedFieldError(REFUSAL_REASON_INVALID_VALUE, field, description)


def too_long(field: str, length: int, most: int) -> RefusedFieldError:
    """Refuse a text for its length in code points."""
    return RefusedFieldError(
        REFUSAL_REASON_TOO_LONG, field, f"{field} has {length:,} characters, and at most {most:,} are kept."
    )


def clean_url(url: str) -> str:
    """Return a URL without its query string and fragment."""
    if "#" in url:
        url = url[: url.index("#")]
    if "?" in url:
        url = url[: url.index("?")]
    return url


def _elapsed_ms(event: Click | UrlChange | BtnTime | FunnelChange, field: str) -> int:
    """Return an event's elapsed time, rounded down, or NO_TIME_MS where it has none."""
    elapsed = event.elapsed_time
    seconds = elapsed.seconds
    nanos = elapsed.nanos
    if 0 <= nanos < _NANOS_PER_SECOND and 0 <= seconds < MAX_ELAPSED_S:
        # Looked for only where all is zero: most events have a time, and HasField costs as much as reading it.
        if seconds or nanos or event.HasField("elapsed_time"):
            return seconds * 1_000 + nanos // _NANOS_PER_MS
        return NO_TIME_MS
    if seconds == MAX_ELAPSED_S and not nanos:
        return seconds * 1_000
    raise invalid(field, f"{field} is {seconds} s and {nanos} ns, and must be a time from zero to 30 days.")


def _read_target(target: str, field: str) -> str:
    if not target:
        raise missing(field)
    if len(target) > MAX_TARGET_LENGTH:
        raise too_long(field, len(target), MAX_TARGET_LENGTH)
    return target


def _read_url(url: str, field: str, *, keep_queries: bool) -> str:
    if len(url) > MAX_URL_LENGTH:
        raise too_long(field, len(url), MAX_URL_LENGTH)
    if keep_queries or ("?" not in url and "#" not in url):
        return url
    return clean_url(url)


def _read_required_url(url: str, field: str, *, keep_queries: bool) -> str:
    if not url:
        raise missing(field)
    read = _read_url(url, field, keep_queries=keep_queries)
    if not read:
        raise invalid(field, f"{field} is nothing but a query or fragment, which this app does not keep.")
    return read


def _read_click(event: Event, keep_queries: bool) -> Parts:  # noqa: FBT001 - called by table, once an event.
    click = event.click
    target = _read_target(click.target, "click.target")
    elapsed_ms = _elapsed_ms(click, "click.elapsed_time")
    sent = click.current_url
    url = _read_required_url(sent, "click.current_url", keep_queries=keep_queries)
    if url is sent:
        return CLICK, url, target, elapsed_ms, False
    click.current_url = url
    return CLICK, url, target, elapsed_ms, True


def _read_url_change(event: Event, keep_queries: bool) -> Parts:  # noqa: FBT001 - as above.
    change = event.url_change
    sent_from = change.from_url
    sent_to = change.to_url
    from_url = _read_url(sent_from, "url_change.from_url", keep_queries=keep_queries)
    to_url = _read_required_url(sent_to, "url_change.to_url", keep_queries=keep_queries)
    elapsed_ms = _elapsed_ms(change, "url_change.elapsed_time")
    if from_url is sent_from and to_url is sent_to:
        return URL_CHANGE, to_url, from_url, elapsed_ms, False
    change.from_url = from_url
    change.to_url = to_url
    return URL_CHANGE, to_url, from_url, elapsed_ms, True


def _read_btn_time(event: Event, keep_queries: bool) -> Parts:  # noqa: FBT001, ARG001 - as above.
    hover: BtnTime = event.btn_time
    target = _read_target(hover.target, "btn_time.target")
    action = hover.action
    if action not in (1, 2):
        if not action:
            raise missing("btn_time.action")
        raise invalid("btn_time.action", f"btn_time.action is {action}, which is no BtnAction.")
    elapsed_ms = _elapsed_ms(hover, "btn_time.elapsed_time")
    if elapsed_ms == NO_TIME_MS:
        raise missing("btn_time.elapsed_time")
    return BTN_TIME, target, action, elapsed_ms, False


def _read_funnel_change(event: Event, keep_queries: bool) -> Parts:  # noqa: FBT001, ARG001 - as above.
    change = event.funnel_change
    action = change.action
    if action not in (1, 2):
        if not action:
            raise missing("funnel_change.action")
        raise invalid("funnel_change.action", f"funnel_change.action is {action}, which is no FunnelAction.")
    entered = change.entered
    if entered < 0:
        raise invalid("funnel_change.entered", f"funnel_change.entered is {entered}, and a stage's id is zero or more.")
    if not entered and not change.HasField("entered"):
        raise missing("funnel_change.entered")
    elapsed_ms = _elapsed_ms(change, "funnel_change.elapsed_time")
    left = change.left
    if left < 0:
        raise invalid("funnel_change.left", f"funnel_change.left is {left}, and a stage's id is zero or more.")
    if not left and not change.HasField("left"):
        left = NO_STAGE
    return FUNNEL_CHANGE, entered, left, elapsed_ms, False


READERS: Final[Mapping[str | None, Callable[[Event, bool], Parts]]] = {
    "click": _read_click,
    "url_change": _read_url_change,
    "btn_time": _read_btn_time,
    "funnel_change": _read_funnel_change,
}
"""Reads an event by the name of its type, given whether URLs keep their queries. Cleans URLs in place where they do
not. Each raises RefusedFieldError.
"""
