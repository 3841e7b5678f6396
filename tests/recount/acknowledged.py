"""What a server has answered for: which events count, and what the sender of each request must hear."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from live.eventmanager.v1.admin_service_pb2 import App
from live.eventmanager.v1.event_pb2 import Event
from live.eventmanager.v1.ingest_service_pb2 import IngestOutcome, RefusalReason, RefusedEvent

from tests.recount.days import date_of, hour_of

Identity: TypeAlias = tuple[object, ...]
Edge: TypeAlias = tuple[int, int]


class Refusal(NamedTuple):
    """Why an event must be refused: the reason, and the path of the field at fault."""

    reason: RefusalReason.ValueType
    field: str


class SentEvent(NamedTuple):
    """An event as it is sent, and the refusal that must come of it, if any."""

    event: Event
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event that counts, where it lies in its app's days, and the move between stages that it tells of."""

    event: Event
    date: datetime.date
    hour: int
    edge: Edge | None


@dataclass(frozen=True, slots=True)
class _LastStage:
    place: tuple[int, str]
    stage: int


@dataclass(slots=True)
class Acknowledged:
    """All events that one process has acknowledged, in the order in which it did."""

    apps: dict[str, App]
    events: dict[str, list[CountedEvent]] = field(default_factory=dict)
    _known: set[Identity] = field(default_factory=set)
    _last_stages: dict[Identity, _LastStage] = field(default_factory=dict)

    def take(self, app: str, events: Sequence[SentEvent], *, validate_only: bool = False) -> IngestOutcome:
        """Count a request's events, and return what its sender must hear, but for the descriptions."""
        outcome = IngestOutcome()
        request = tuple(sent.event.SerializeToString(deterministic=True) for sent in events)
        new = set()
        for position, (event, refusal) in enumerate(events):
            if refusal:
                outcome.refused_events.append(
                    RefusedEvent(index=position, event_id=event.event_id, reason=refusal.reason, field=refusal.field)
                )
                continue
            date = date_of(event.timestamp.seconds, self.apps[app].time_zone)
            name = (event.event_id,) if event.event_id else (request, position)
            identity = (app, date, event.device_id, *name)
            if identity in self._known or identity in new:
                outcome.duplicate_indexes.append(position)
                continue
            outcome.stored_count += 1
            new.add(identity)
            if not validate_only:
                self._count(app, date, event)
        if not validate_only:
            self._known |= new
        return outcome

    def of(self, app: str, first: datetime.date, last: datetime.date) -> list[CountedEvent]:
        """Return an app's events of a range."""
        return [counted for counted in self.events.get(app, []) if first <= counted.date <= last]

    def _count(self, app: str, date: datetime.date, event: Event) -> None:
        settings = self.apps[app]
        cleaned = event if settings.keep_url_queries else without_queries(event)
        edge = self._edge(app, date, event) if event.HasField("funnel_change") else None
        hour = hour_of(event.timestamp.seconds, settings.time_zone)
        self.events.setdefault(app, []).append(CountedEvent(cleaned, date, hour, edge))

    def _edge(self, app: str, date: datetime.date, event: Event) -> Edge | None:
        """Return the move that a funnel event tells of as soon as it comes.

        Where it does not name the stage left, that is the one which the visitor entered before, on the same day, if
        all that came of them so far was before.
        """
        visitor = (app, date, event.device_id)
        last = self._last_stages.get(visitor)
        place = (event.timestamp.ToNanoseconds(), event.event_id)
        entered = event.funnel_change.entered
        left = None
        if event.funnel_change.HasField("left"):
            left = event.funnel_change.left
        elif last and last.place < place:
            left = last.stage
        if last is None or last.place < place:
            self._last_stages[visitor] = _LastStage(place, entered)
        return None if left is None or left == entered else (left, entered)


def without_queries(event: Event) -> Event:
    """Return a copy of an event whose URLs end before their query or fragment."""
    copy = Event()
    copy.CopyFrom(event)
    if copy.HasField("click"):
        copy.click.current_url = _without_query(copy.click.current_url)
    if copy.HasField("url_change"):
        copy.url_change.from_url = _without_query(copy.url_change.from_url)
        copy.url_change.to_url = _without_query(copy.url_change.to_url)
    return copy


def _without_query(url: str) -> str:
    kept = ""
    for character in url:
        if character in "?#":
            break
        kept += character
    return kept
