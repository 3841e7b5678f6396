"""What a report is about: an app, its days and intervals."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_HOUR, DateRange, Interval

from eventmanager.apps import App
from eventmanager.date_ranges import MAX_DAYS, MAX_DAYS_BY_HOURS, DateSpan, Period, periods_of, span_of
from eventmanager.errors import StoreUnavailableError
from eventmanager.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Scope:
    """One app's days as a report reads them."""

    app: App
    span: DateSpan
    periods: Sequence[Period]
    dates: Sequence[datetime.date]
    """The days that have events and are still reported, oldest first."""
    read_time_s: float
    may_lack_days: bool
    """Whether some days of the range are reported no more, or not known because another data centre is away."""

    def dates_of(self, period: Period) -> list[datetime.date]:
        """Return the days of an interval that have events."""
        return [date for date in self.dates if period.span.first <= date <= period.span.last]


async def scope_of(
    store: Store, app: App, date_range: DateRange, interval: Interval.ValueType, *, now_s: float
) -> Scope:
    """Find out which days a report covers and which of them have events. Raises InvalidRequestError."""
    today = app.zone.date_of(int(now_s))
    max_days = MAX_DAYS_BY_HOURS if interval == INTERVAL_HOUR else MAX_DAYS
    span = span_of(date_range, today, max_days)

    def is_reported(date: datetime.date) -> bool:
        end = app.reports_end(date)
        return end is None or today < end

    may_lack_days = not all(map(is_reported, span.dates()))
    try:
        dates = await store.dates(app.app, span.first, span.last)
    except StoreUnavailableError:
        dates = await store.nearby_dates(app.app, span.first, span.last)
        may_lack_days = True
    reported = [date for date in dates if is_reported(date)]
    return Scope(app, span, periods_of(span, interval), reported, now_s, may_lack_days)
