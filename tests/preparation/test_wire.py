"""What comes from the process beside: requests prepared together are summed up together, and may be stored apart."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1 import admin_service_pb2
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    UrlChange,
)
from live.eventmanager.v1.ingest_service_pb2 import IngestEventsRequest

from eventmanager.app_settings import new_settings, normal_app
from eventmanager.apps import App
from eventmanager.committer import Committer
from eventmanager.facts import Key, SetTable, Totals, TotalsTable
from eventmanager.memory import Memory
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.preparer import PreparedRequest, Preparer
from eventmanager.preparation.validation import Validator
from eventmanager.preparation.wire import decode_results, encode_results
from eventmanager.store.protocol import BlockOutcome
from eventmanager.store.sqlite.store import SQLiteStore
from eventmanager.zones import Zone
from tests.conftest import NOON_S
from tests.store.made_facts import all_members, all_totals

_APP: Final = App(new_settings(normal_app(admin_service_pb2.App(app="shop"))), Zone("UTC"))
_EVENTS_A_REQUEST: Final = 160
_REQUESTS: Final = 3
_SMALL: Final = _REQUESTS
"""The number of a request of few events that was prepared by itself."""
_SMALL_EVENTS: Final = 20


def events(request: int, count: int) -> list[Event]:
    """Return events of all kinds, in the order of their times: visitors go from stage to stage through all requests."""
    made: list[Event] = []
    for number in range(request * _EVENTS_A_REQUEST, request * _EVENTS_A_REQUEST + count):
        event = Event(
            event_id=f"{number}", timestamp=Timestamp(seconds=int(NOON_S) - 3_600 + number), device_id=f"u{number % 13}"
        )
        elapsed_time = Duration(seconds=number % 17)
        if number % 4 == 0:
            event.click.CopyFrom(Click(target=f"b{number % 7}", current_url="/a", elapsed_time=elapsed_time))
        elif number % 4 == 1:
            event.url_change.CopyFrom(UrlChange(from_url="/b", to_url=f"/{number % 9}", elapsed_time=elapsed_time))
        elif number % 4 == 2:
            event.btn_time.CopyFrom(
                BtnTime(target="buy", action=BTN_ACTION_HOVER_THEN_LEAVE, elapsed_time=elapsed_time)
            )
        else:
            event.funnel_change.CopyFrom(FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=number % 5))
        made.append(event)
    return made


def prepared(number: int, count: int) -> PreparedRequest:
    """Prepare a request here."""
    request = IngestEventsRequest(events=events(number, count))
    return Preparer(Validator(PlatformReader(), 600), 1_000).prepare(_APP, request.SerializeToString(), NOON_S)


def prepared_requests() -> Sequence[PreparedRequest]:
    """Return requests that were prepared together in the process beside, and one that was not."""
    return [*prepared_together(*range(_REQUESTS)), prepared(_SMALL, _SMALL_EVENTS)]


def prepared_together(*numbers: int) -> Sequence[PreparedRequest]:
    """Prepare requests as the process beside does, and hand them over as it does."""
    results = encode_results([prepared(number, _EVENTS_A_REQUEST) for number in numbers])
    return [result for result in decode_results(results, PlatformReader()) if isinstance(result, PreparedRequest)]


async def figures(
    commits: Sequence[Sequence[int]],
) -> tuple[Mapping[TotalsTable, Mapping[Key, Totals]], Mapping[SetTable, Sequence[Key]]]:
    """Store requests by their numbers in so many commits, and return what all tables say then."""
    store = await SQLiteStore.open(None)
    try:
        committer = Committer(store, Memory(10_000), most_waiting_events=100_000)
        requests = prepared_requests()
        [partition] = {block.partition for request in requests for block in request.blocks}
        for numbers in commits:
            answers = [committer.submit(requests[number].blocks, resent=False) for number in numbers]
            await asyncio.gather(*(answer for of_request in answers for answer in of_request))
        return (
            {table: await all_totals(store, table, partition.day) for table in TotalsTable},
            {table: await all_members(store, table, partition) for table in SetTable},
        )
    finally:
        await store.close()


@pytest.mark.parametrize(
    "commits",
    [
        [[0, 1, 2, _SMALL]],
        [[0], [1], [2], [_SMALL]],
        [[0, 1], [2, _SMALL]],
        [[0], [1, 2, _SMALL]],
        # Some of these come again later, and are known then.
        [[0], [0, 1, 2, _SMALL]],
        [[0, 1, 2], [0, 1, 2, _SMALL]],
    ],
)
async def test_blocks_count_once_however_they_are_committed(commits: Sequence[Sequence[int]]) -> None:
    """Figures are those of requests that are stored one by one, as if each had been prepared here."""
    one_by_one = await figures([[0], [1], [2], [_SMALL]])

    assert await figures(commits) == one_by_one
    traffic = one_by_one[0][TotalsTable.TRAFFIC]
    assert _REQUESTS * _EVENTS_A_REQUEST + _SMALL_EVENTS == sum(sum(totals.counts) for totals in traffic.values())


async def test_copies_among_blocks_that_were_summed_up_together_do_not_count() -> None:
    """Some events of the second request came before in another."""
    store = await SQLiteStore.open(None)
    try:
        committer = Committer(store, Memory(10_000), most_waiting_events=100_000)
        before = prepared(1, 30)
        await asyncio.gather(*committer.submit(before.blocks, resent=False))
        requests = prepared_requests()
        answers = [committer.submit(request.blocks, resent=False) for request in requests]
        answered = [await answer for of_request in answers for answer in of_request]
        traffic = await all_totals(store, TotalsTable.TRAFFIC, before.blocks[0].partition.day)
    finally:
        await store.close()

    assert [[], list(range(30)), [], []] == [list(answer.copies) for answer in answered]
    assert _REQUESTS * _EVENTS_A_REQUEST + _SMALL_EVENTS == sum(sum(totals.counts) for totals in traffic.values())


async def test_a_request_that_was_prepared_twice_counts_once() -> None:
    """It came again while it was on its way, and both went to the process beside together."""
    store = await SQLiteStore.open(None)
    try:
        committer = Committer(store, Memory(10_000), most_waiting_events=100_000)
        twice = prepared_together(0, 0)
        answers = [committer.submit(request.blocks, resent=False) for request in twice]
        answered = [await answer for of_request in answers for answer in of_request]
        traffic = await all_totals(store, TotalsTable.TRAFFIC, twice[0].blocks[0].partition.day)
    finally:
        await store.close()

    assert [BlockOutcome.STORED, BlockOutcome.KNOWN] == [answer.outcome for answer in answered]
    assert _EVENTS_A_REQUEST == sum(sum(totals.counts) for totals in traffic.values())
