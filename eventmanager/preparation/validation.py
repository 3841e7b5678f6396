"""Turns the events of a request into rows by partition, or into refusals: one bad event never costs a good one."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812 - a class, and `date` is what its values are called here.
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import (
    REFUSAL_REASON_IN_FUTURE,
    REFUSAL_REASON_TOO_OLD,
    RefusedEvent,
)

from eventmanager.apps import App
from eventmanager.blocks import Partition
from eventmanager.event_rows import RefusedFieldError, invalid, missing, read_type, too_long
from eventmanager.events import EventRow, Platform
from eventmanager.platforms import PlatformReader

MAX_EVENT_ID_LENGTH: Final = 64
MAX_DEVICE_ID_LENGTH: Final = 128
MAX_USER_AGENT_LENGTH: Final = 1_024
MAX_PLATFORM_LENGTH: Final = 64
EARLIEST_S: Final = 946_684_800  # 2000-01-01T00:00:00Z.
_NANOS_PER_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class AdmittedEvents:
    """The admitted events of one request that share a partition.

    `positions` are theirs in the request. `cleaned` holds, by position in the request, the serialized form of those
    events whose URLs lost something; the others are kept as sent.
    """

    partition: Partition
    expire_time_s: int
    rows: list[EventRow] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    cleaned: dict[int, bytes] = field(default_factory=dict)


class Admission(NamedTuple):
    """What becomes of a request's events: each is admitted to one partition or refused."""

    admitted: Sequence[AdmittedEvents]
    refused: Sequence[RefusedEvent]


class Validator:
    """Checks events against the contract's limits and places them in their app's days."""

    def __init__(self, platforms: PlatformReader, max_clock_skew_s: int) -> None:
        self._platforms = platforms
        self._max_clock_skew_s = max_clock_skew_s

    def admit(  # noqa: C901, PLR0912, PLR0915 - one pass, as the fold is.
        self, app: App, events: Sequence[Event], name_request: Callable[[], str], now_s: float
    ) -> Admission:
        """Check every event of a request; the request's name begins the ids of those that were sent without one.

        Changes the URLs of events in place as the app's settings want them.
        """
        latest_s = int(now_s) + self._max_clock_skew_s
        today = app.zone.moment(int(now_s) // 60).date
        keep_queries = app.keep_url_queries
        moment_of = app.zone.moments.get
        platform_of = self._platforms.by_user_agent.get
        crc32 = zlib.crc32
        groups: dict[Date, dict[int, AdmittedEvents]] = {}
        refused: list[RefusedEvent] = []
        shard_mask = 0
        group_date: Date | None = None
        shards: dict[int, AdmittedEvents] = {}
        group: AdmittedEvents | None = None
        for position, event in enumerate(events):
            event_id = event.event_id
            try:
                if len(event_id) > MAX_EVENT_ID_LENGTH:
                    raise too_long("event_id", len(event_id), MAX_EVENT_ID_LENGTH)
                timestamp = event.timestamp
                seconds = timestamp.seconds
                nanos = timestamp.nanos
                if not EARLIEST_S <= seconds <= latest_s or not 0 <= nanos < _NANOS_PER_SECOND:
                    raise _wrong_time(event, latest_s)
                device_id = event.device_id
                if not device_id:
                    raise missing("device_id")
                if len(device_id) > MAX_DEVICE_ID_LENGTH:
                    raise too_long("device_id", len(device_id), MAX_DEVICE_ID_LENGTH)
                user_agent = event.user_agent
                if len(user_agent) > MAX_USER_AGENT_LENGTH:
                    raise too_long("user_agent", len(user_agent), MAX_USER_AGENT_LENGTH)
                if event.HasField("platform"):
                    platform = self._told_platform(event)
                else:
                    platform = platform_of(user_agent) or self._platforms.read(user_agent)
                kind, subject, detail, elapsed_ms, cleaned = read_type(event, event.WhichOneof("type"), keep_queries)
                date, hour = moment_of(seconds // 60) or app.zone.moment(seconds // 60)
                if date is not group_date:
                    place = app.place(date)
                    if place.reports_end is not None and today >= place.reports_end:
                        raise _too_old(f"{date} is past the app's retention of {app.retention_days(date)} days")
                    group_date = date
                    shard_mask = place.shard_count - 1
                    shards = groups.setdefault(date, {})
                    group = None
            except RefusedFieldError as fault:
                refused.append(
                    RefusedEvent(
                        index=position,
                        event_id=event_id,
                        reason=fault.reason,
                        field=fault.field,
                        description=fault.description,
                    )
                )
                continue
            if shard_mask or group is None:
                shard = crc32(device_id.encode()) & shard_mask
                group = shards.get(shard)
                if group is None:
                    expire_time_s = app.place(date).expire_time_s
                    group = shards[shard] = AdmittedEvents(Partition(app.app, date, shard), expire_time_s)
                append_row = group.rows.append
                append_position = group.positions.append
            if cleaned:
                group.cleaned[position] = event.SerializeToString()
            append_row(
                (
                    kind,
                    device_id,
                    event_id or f"{name_request()}-{position}",
                    seconds * _NANOS_PER_SECOND + nanos,
                    hour,
                    platform,
                    subject,
                    detail,
                    elapsed_ms,
                )
            )
            append_position(position)
        return Admission([group for by_shard in groups.values() for group in by_shard.values()], refused)

    def _told_platform(self, event: Event) -> Platform:
        told = event.platform
        for part, text in (("browser", told.browser), ("os", told.os), ("device", told.device)):
            if len(text) > MAX_PLATFORM_LENGTH:
                raise too_long(f"platform.{part}", len(text), MAX_PLATFORM_LENGTH)
        return self._platforms.complete(told.browser, told.os, told.device, event.user_agent)


def _wrong_time(event: Event, latest_s: int) -> RefusedFieldError:
    timestamp = event.timestamp
    if not event.HasField("timestamp"):
        return missing("timestamp")
    if not 0 <= timestamp.nanos < _NANOS_PER_SECOND:
        return invalid("timestamp", f"timestamp has {timestamp.nanos} ns, and must have from 0 to 999,999,999.")
    if timestamp.seconds < EARLIEST_S:
        return _too_old(f"timestamp is {_told(timestamp.seconds)}, which is before the year 2000")
    return RefusedFieldError(
        REFUSAL_REASON_IN_FUTURE,
        "timestamp",
        f"timestamp is {_told(timestamp.seconds)}, and the latest taken now is {_told(latest_s)}.",
    )


def _too_old(why: str) -> RefusedFieldError:
    return RefusedFieldError(REFUSAL_REASON_TOO_OLD, "timestamp", f"The event is too old: {why}.")


def _told(seconds: int) -> str:
    """Tell an instant as people write it, or as it was sent where no calendar has it."""
    try:
        return Timestamp(seconds=seconds).ToJsonString()
    except ValueError:
        return f"{seconds} s after 1970"
