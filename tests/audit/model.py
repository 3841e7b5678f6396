"""Events in few numbers, and the model that is a dict of them."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App
from live.eventmanager.v1.event_pb2 import (
    FUNNEL_ACTION_ON_CLICK,
    BtnAction,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    Platform,
    UrlChange,
)

from tests.recount.acknowledged import Acknowledged, SentEvent

TODAY: Final = datetime.date(2026, 6, 17)
YESTERDAY: Final = datetime.date(2026, 6, 16)
NOON_S: Final = 1_781_697_600
_DAY_S: Final = 86_400

Identity: TypeAlias = tuple[datetime.date, str, str]


class Told(NamedTuple):
    """An event in few numbers, as they are drawn: the same identity may be told in several ways."""

    visitor: int
    number: int
    is_today: bool
    minute: int
    kind: int
    stage: int
    left: int

    def event(self) -> Event:
        """Return the event."""
        seconds = NOON_S - 3_600 + self.minute * 60 - (0 if self.is_today else _DAY_S)
        event = Event(
            timestamp=Timestamp(seconds=seconds),
            device_id=f"visitor {self.visitor}",
            event_id=str(UUID(int=self.number)),  # Which a block of many keeps otherwise than a block of few.
            platform=Platform(browser=("Firefox", "Chrome", "")[self.stage % 3], os="Linux", device="desktop"),
        )
        elapsed = Duration(seconds=self.minute, nanos=self.stage * 1_000_000) if self.minute % 3 else None
        if self.kind == 0:
            event.click.CopyFrom(Click(target=f"t{self.stage}", current_url="/home", elapsed_time=elapsed))
        elif self.kind == 1:
            event.url_change.CopyFrom(
                UrlChange(from_url="/a" if self.left >= 0 else "", to_url=f"/{self.stage}", elapsed_time=elapsed)
            )
        elif self.kind == 2:
            event.btn_time.CopyFrom(
                BtnTime(
                    target="buy",
                    action=BtnAction.values()[1 + self.stage % 2],
                    elapsed_time=elapsed or Duration(seconds=1),
                )
            )
        else:
            left = self.left if self.left >= 0 else None
            event.funnel_change.CopyFrom(
                FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=self.stage, left=left, elapsed_time=elapsed)
            )
        return event


def identity_of(event: Event) -> Identity:
    """Return what tells an event from others."""
    date = datetime.datetime.fromtimestamp(event.timestamp.seconds, datetime.UTC).date()
    return date, event.device_id, event.event_id


@dataclass(slots=True)
class Model:
    """The events acknowledged: by identity all copies, of which the first by bytes counts."""

    app: App
    copies: dict[Identity, dict[bytes, Event]] = field(default_factory=dict)

    def acknowledge(self, events: Sequence[Event]) -> None:
        """Count what a server has answered for."""
        for event in events:
            encoded = event.SerializeToString(deterministic=True)
            self.copies.setdefault(identity_of(event), {})[encoded] = event

    def counted(self) -> Acknowledged:
        """Return the events that count, in the order in which they happened."""
        winners = [copies[min(copies)] for copies in self.copies.values()]
        winners.sort(key=lambda event: (event.timestamp.ToNanoseconds(), event.event_id))
        acknowledged = Acknowledged({self.app.app: self.app})
        acknowledged.take(self.app.app, [SentEvent(event) for event in winners])
        return acknowledged

    def events_of(self, date: datetime.date) -> int:
        """Count the distinct events of a day."""
        return sum(1 for identity in self.copies if identity[0] == date)

    def of(self, dates: Collection[datetime.date]) -> "Model":
        """Return the model of some days."""
        return Model(self.app, {identity: copies for identity, copies in self.copies.items() if identity[0] in dates})

    @property
    def have_equal_copies(self) -> bool:
        """Whether no two copies of an event differ."""
        return all(len(copies) == 1 for copies in self.copies.values())

    @property
    def tells_stages_left(self) -> bool:
        """Whether each event that enters a stage names the one left."""
        return all(
            event.funnel_change.HasField("left")
            for copies in self.copies.values()
            for event in copies.values()
            if event.HasField("funnel_change")
        )
