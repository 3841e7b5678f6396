"""QueryTraffic: events and visitors over time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.analytics_service_pb2 import INTERVAL_HOUR, Interval, QueryTrafficResponse, Traffic

from eventmanager.facts import Key, SetTable, Totals, TotalsTable
from eventmanager.reports.figures import Figures
from eventmanager.reports.scope import Scope
from eventmanager.reports.totals import Selection
from eventmanager.reports.visitors import visitors_by_period

_SECONDS_PER_HOUR = 3_600
_NO_EVENTS = (0, 0, 0, 0)


async def traffic(figures: Figures, scope: Scope, interval: Interval.ValueType) -> QueryTrafficResponse:
    """Return a row for every interval, empty ones included."""
    by_period = await Selection(figures, scope, TotalsTable.TRAFFIC, lambda _: True).by_period()
    if interval == INTERVAL_HOUR:
        return QueryTrafficResponse(info=figures.info(), rows=_by_hour(scope, by_period))
    users = await visitors_by_period(figures, scope, SetTable.USERS_BY_PLATFORM)
    return QueryTrafficResponse(
        info=figures.info(),
        rows=(
            _row(scope.app.zone.first_instant(period.start), _sum(sums.values()), users=counts.get((), 0))
            for period, sums, counts in zip(scope.periods, by_period, users, strict=True)
        ),
    )


def _by_hour(scope: Scope, by_date: Sequence[Mapping[Key, Totals]]) -> Iterator[Traffic]:
    """Make as many rows for a day as it has hours: 23 or 25 where the clock changes, none where the zone skips it."""
    zone = scope.app.zone
    for period, sums in zip(scope.periods, by_date, strict=True):
        first_instant = zone.first_instant(period.start)
        for hour in range(zone.hours_of(period.start)):
            counts = sums[hour,].counts if (hour,) in sums else _NO_EVENTS
            yield _row(first_instant + hour * _SECONDS_PER_HOUR, counts, users=None)


def _sum(totals: Iterable[Totals]) -> Sequence[int]:
    return [sum(counts) for counts in zip(_NO_EVENTS, *(each.counts for each in totals), strict=True)]


def _row(start_s: int, counts: Sequence[int], *, users: int | None) -> Traffic:
    clicks, url_changes, btn_times, funnel_changes = counts
    return Traffic(
        start_time=Timestamp(seconds=start_s),
        clicks=clicks,
        url_changes=url_changes,
        btn_times=btn_times,
        funnel_changes=funnel_changes,
        users=users,
    )
