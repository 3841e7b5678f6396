"""What a report is asked: of which app, of which days, by which interval."""

import datetime
from dataclasses import dataclass

from live.eventmanager.v1.admin_service_pb2 import App
from live.eventmanager.v1.analytics_service_pb2 import Interval

from tests.recount.acknowledged import Acknowledged, CountedEvent
from tests.recount.days import intervals_of


@dataclass(frozen=True, slots=True)
class Question:
    """Asks about some days of one app, by an interval."""

    acknowledged: Acknowledged
    app: App
    first: datetime.date
    last: datetime.date
    interval: Interval.ValueType

    def events(self) -> list[CountedEvent]:
        """Return all events of the range."""
        return self.acknowledged.of(self.app.app, self.first, self.last)

    def by_interval(self) -> list[tuple[str, list[CountedEvent]]]:
        """Return each interval's date, as rows give it, and its events, oldest first and empty ones included."""
        events = self.events()
        return [
            (begin.isoformat(), [counted for counted in events if counted.date in dates])
            for begin, dates in intervals_of(self.first, self.last, self.interval).items()
        ]

    def stage_name(self, stage: int) -> str:
        """Return the name that the app gives a stage, if any."""
        return next((named.name for named in self.app.stages if named.stage == stage), "")
