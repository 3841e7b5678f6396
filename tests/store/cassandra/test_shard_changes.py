"""An app's days are split into more parts, while two servers work on them."""

from collections.abc import Callable

from cassandra.cluster import Session
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import Channel
from live.eventmanager.v1.admin_service_pb2 import App, CreateAppRequest, UpdateAppRequest
from live.eventmanager.v1.admin_service_pb2_grpc import AdminServiceStub
from live.eventmanager.v1.analytics_service_pb2 import (
    INTERVAL_DAY,
    INTERVAL_UNSPECIFIED,
    DateRange,
    Interval,
    QueryStageUsersRequest,
)
from live.eventmanager.v1.analytics_service_pb2_grpc import AnalyticsServiceStub
from live.eventmanager.v1.event_pb2 import FUNNEL_ACTION_ON_CLICK, Event, FunnelChange
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest
from live.eventmanager.v1.ingest_service_pb2_grpc import IngestServiceStub

from eventmanager.store.cassandra.address import CassandraAddress
from tests.conftest import Clock
from tests.store.cassandra.test_servers import serving

VISITORS = 40
DAY_S = 86_400
DATES = ("2026-06-17", "2026-06-18", "2026-06-19", "2026-06-20")


async def visit(channel: Channel, clock: Clock, is_mine: Callable[[int], bool]) -> None:
    """Have some of the visitors enter stage 1, and every second of all stage 2."""
    events = []
    for visitor in filter(is_mine, range(VISITORS)):
        for stage in (1, 2) if visitor % 2 else (1,):
            change = FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=stage)
            event = Event(event_id=f"{stage}", device_id=f"u{visitor}", funnel_change=change)
            event.timestamp.FromSeconds(int(clock()) + stage)
            events.append(event)
    answer = await IngestServiceStub(channel).IngestEvents(IngestEventsRequest(app="shop", events=events))
    assert len(events) == answer.outcome.stored_count


async def users(channel: Channel, interval: Interval.ValueType) -> list[tuple[str, int, int]]:
    request = QueryStageUsersRequest(app="shop", date_range=DateRange(start_date="-3d"), interval=interval)
    answer = await AnalyticsServiceStub(channel).QueryStageUsers(request)
    return [(row.date, row.stage, row.users) for row in answer.rows]


async def test_a_range_over_a_change_counts_every_visitor_once(
    own_address: CassandraAddress, session: Session, clock: Clock
) -> None:
    """More shards count from the day after next on, so a server that learns of it late agrees; nobody counts twice."""
    async with serving(own_address, clock) as one, serving(own_address, clock) as other:
        await AdminServiceStub(one).CreateApp(CreateAppRequest(app=App(app="shop")))
        await visit(one, clock, lambda visitor: visitor % 3 == 0)
        await visit(other, clock, lambda visitor: visitor % 3 == 1)
        change = UpdateAppRequest(app=App(app="shop", shard_count=4), update_mask=FieldMask(paths=["shard_count"]))
        await AdminServiceStub(one).UpdateApp(change)
        # The other has not heard of it: its settings are a moment old.
        await visit(other, clock, lambda visitor: visitor % 3 == 2)
        for _ in DATES[1:]:
            clock.time_s += DAY_S
            await visit(one, clock, lambda visitor: visitor % 3 != 1)
            await visit(other, clock, lambda visitor: visitor % 3 == 1)

        for channel in (one, other):
            by_day = [row for date in DATES for row in ((date, 1, VISITORS), (date, 2, VISITORS // 2))]
            assert by_day == await users(channel, INTERVAL_DAY)
            whole = [(DATES[0], 1, VISITORS), (DATES[0], 2, VISITORS // 2)]
            assert whole == await users(channel, INTERVAL_UNSPECIFIED)

    rows = session.execute(f"SELECT DISTINCT app, date, shard FROM {own_address.keyspace}.events")
    assert {(date, shard) for date in DATES for shard in range(1 if date < DATES[2] else 4)} == {
        (str(date), shard) for _, date, shard in rows
    }
