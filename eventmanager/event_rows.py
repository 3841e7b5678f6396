"""Reads an Event's type into the parts of an EventRow that depend on it, or says which field is at fault."""

from typing import Any, Final, TypeAlias

from live.eventmanager.v1.event_pb2 import Event
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


def read_type(  # noqa: C901, PLR0912, PLR0915 - one function: it is called once an event, and calls are what costs.
    event: Event,
    kind_name: str | None,
    keep_queries: bool,  # noqa: FBT001 - as above, by position.
) -> Parts:
    """Read the parts of an event's row that depend on its type, given what `WhichOneof("type")` says of it.

    Cleans URLs in place where queries are not kept. Raises RefusedFieldError.
    """
    cleaned = False
    kind: int
    subject: Any
    detail: Any
    if kind_name == "click":
        click = event.click
        kind = CLICK
        detail = click.target
        if not 0 < len(detail) <= MAX_TARGET_LENGTH:
            raise _wrong_target(detail, "click.target")
        subject = click.current_url
        if not 0 < len(subject) <= MAX_URL_LENGTH:
            raise _wrong_url(subject, "click.current_url")
        if not keep_queries and ("?" in subject or "#" in subject):
            subject = click.current_url = _cleaned(subject, "click.current_url")
            cleaned = True
        elapsed = click.elapsed_time
    elif kind_name == "url_change":
        change = event.url_change
        kind = URL_CHANGE
        detail = change.from_url
        if len(detail) > MAX_URL_LENGTH:
            raise _wrong_url(detail, "url_change.from_url")
        subject = change.to_url
        if not 0 < len(subject) <= MAX_URL_LENGTH:
            raise _wrong_url(subject, "url_change.to_url")
        if not keep_queries:
            if "?" in subject or "#" in subject:
                subject = change.to_url = _cleaned(subject, "url_change.to_url")
                cleaned = True
            if "?" in detail or "#" in detail:
                detail = change.from_url = clean_url(detail)
                cleaned = True
        elapsed = change.elapsed_time
    elif kind_name == "btn_time":
        hover = event.btn_time
        kind = BTN_TIME
        subject = hover.target
        if not 0 < len(subject) <= MAX_TARGET_LENGTH:
            raise _wrong_target(subject, "btn_time.target")
        detail = hover.action
        if detail not in (1, 2):
            raise _wrong_action(detail, "btn_time.action", "BtnAction")
        elapsed = hover.elapsed_time
    elif kind_name == "funnel_change":
        stage = event.funnel_change
        kind = FUNNEL_CHANGE
        action = stage.action
        if action not in (1, 2):
            raise _wrong_action(action, "funnel_change.action", "FunnelAction")
        subject = stage.entered
        if subject < 0:
            raise _wrong_stage(subject, "funnel_change.entered")
        # HasField costs as much as reading a field, so it is asked only where the field is zero.
        if not subject and not stage.HasField("entered"):
            raise missing("funnel_change.entered")
        detail = stage.left
        if detail < 0:
            raise _wrong_stage(detail, "funnel_change.left")
        if not detail and not stage.HasField("left"):
            detail = NO_STAGE
        elapsed = stage.elapsed_time
    else:
        raise missing("type")
    seconds = elapsed.seconds
    nanos = elapsed.nanos
    if 0 <= nanos < _NANOS_PER_SECOND and 0 <= seconds < MAX_ELAPSED_S:
        if seconds or nanos or getattr(event, kind_name).HasField("elapsed_time"):
            return kind, subject, detail, seconds * 1_000 + nanos // _NANOS_PER_MS, cleaned
        if kind == BTN_TIME:
            raise missing("btn_time.elapsed_time")
        return kind, subject, detail, NO_TIME_MS, cleaned
    if seconds == MAX_ELAPSED_S and not nanos:
        return kind, subject, detail, seconds * 1_000, cleaned
    field = f"{kind_name}.elapsed_time"
    raise invalid(field, f"{field} is {seconds} s and {nanos} ns, and must be a time from zero to 30 days.")


def _wrong_target(target: str, field: str) -> RefusedFieldError:
    return too_long(field, len(target), MAX_TARGET_LENGTH) if target else missing(field)


def _wrong_url(url: str, field: str) -> RefusedFieldError:
    return too_long(field, len(url), MAX_URL_LENGTH) if url else missing(field)


def _wrong_action(action: int, field: str, enum: str) -> RefusedFieldError:
    return invalid(field, f"{field} is {action}, which is no {enum}.") if action else missing(field)


def _wrong_stage(stage: int, field: str) -> RefusedFieldError:
    return invalid(field, f"{field} is {stage}, and a stage's id is zero or more.")


def _cleaned(url: str, field: str) -> str:
    """Clean a URL that is required."""
    cleaned = clean_url(url)
    if not cleaned:
        raise invalid(field, f"{field} is nothing but a query or fragment, which this app does not keep.")
    return cleaned
