"""The recount: the same figures however memory is bounded, and no figures where they would take too much."""

import datetime
from collections.abc import AsyncIterator, Mapping, Sequence
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live.eventmanager.storage.v1.block_pb2 import SerializedEvents
from live.eventmanager.v1.admin_service_pb2 import App as AppMessage
from live.eventmanager.v1.event_pb2 import Event

from eventmanager.app_settings import new_settings, normal_app
from eventmanager.apps import App
from eventmanager.audit.cells import DAY, DayCount, decode_counts, decode_visitors, report_of
from eventmanager.audit.log_parts import PartBounds
from eventmanager.audit.recount import Caller, RecountBounds, recount_day
from eventmanager.blocks import Day, Partition, StoredBlock
from eventmanager.facts import SetTable, TotalsTable
from eventmanager.platforms import PlatformReader
from eventmanager.preparation.block_writer import BlockWriter
from eventmanager.preparation.validation import Validator
from eventmanager.store.protocol import Recount
from eventmanager.zones import Zone
from tests.audit.model import NOON_S, TODAY, Told
from tests.reports.visits import entered

EVENTS = st.builds(
    Told,
    visitor=st.integers(0, 9),
    number=st.integers(0, 11),
    is_today=st.just(True),  # noqa: FBT003 - a strategy's value.
    minute=st.integers(0, 7),
    kind=st.integers(0, 3),
    stage=st.integers(0, 3),
    left=st.integers(-1, 2),
).map(Told.event)

PLATFORMS = PlatformReader()
ALL_REPORTS = {
    DAY,
    *map(report_of, TotalsTable),
    *map(report_of, SetTable),
    *(report_of(table, 0) for table in SetTable),
}


class LoggedBlocks:
    """A log of one day, in one shard."""

    def __init__(self, requests: Sequence[Sequence[Event]]) -> None:
        app = App(new_settings(normal_app(AppMessage(app="shop"))), Zone("UTC"))
        self.blocks = []
        for events in requests:
            admission = Validator(PLATFORMS, 600).admit(app, events, lambda: "", NOON_S)
            sent = SerializedEvents(events=[event.SerializeToString() for event in events])
            for admitted in admission.admitted:
                # So that of few events, too, some blocks keep their ids apart, and others do not.
                with patch("eventmanager.preparation.payload_writer._FEWEST_APART", 4):
                    written = list(BlockWriter().write(admitted, sent, b""))
                self.blocks += [StoredBlock(block.block_id, block.payload) for block, _ in written]

    async def marks(self, app: str, dates: Sequence[datetime.date]) -> Mapping[datetime.date, bytes]:  # noqa: ARG002 - of one app.
        return dict.fromkeys(dates, b"marks")

    async def log(self, partition: Partition) -> AsyncIterator[Sequence[StoredBlock]]:  # noqa: ARG002 - there is one.
        for block in self.blocks:
            yield [block]

    async def close(self) -> None:
        pass


async def go_on() -> None:
    """Give leave at once."""


async def recounted(log: LoggedBlocks, bounds: RecountBounds) -> tuple[DayCount | None, dict[str, bytes]]:
    """Count a day again, and return the cells by report."""
    cells: dict[str, bytes] = {}

    async def take(cell: Recount) -> None:
        assert b"marks" == cell.marks
        cells[cell.report] = cell.figures

    return await recount_day(log, Day("shop", TODAY), 1, Caller(take, go_on), bounds), cells


@settings(max_examples=40, deadline=None)
@given(
    requests=st.lists(st.lists(EVENTS, min_size=1, max_size=10), max_size=6),
    most_events=st.integers(1, 12),
    most_move_bytes=st.integers(1, 200),
    most_copied_events=st.integers(0, 4),
    rows_at_once=st.integers(1, 12),
)
async def test_parts_make_no_difference(requests: Sequence[Sequence[Event]], **part: int) -> None:
    """A log that is read part by part gives the same cells, copies that differ among them."""
    log = LoggedBlocks(requests)

    assert await recounted(log, RecountBounds()) == await recounted(log, RecountBounds(part=PartBounds(**part)))


async def test_many_visitors_are_spread_over_cells() -> None:
    """Each visitor is in one of them, and the first says how many there are."""
    events = [entered(f"u{visitor}", visitor % 2, f"{TODAY}T11:00") for visitor in range(60)]
    for number, event in enumerate(events):
        event.event_id = str(number)
    log = LoggedBlocks([events])

    spread, cells = await recounted(log, RecountBounds(most_members=20))
    whole, all_cells = await recounted(log, RecountBounds(most_members=60))

    table = SetTable.USERS_BY_STAGE
    of_spread = [decode_visitors(cells[report_of(table, 0, number, 3)]) for number in range(3)]
    of_whole = decode_visitors(all_cells[report_of(table, 0)])
    assert DayCount(60, 0, is_whole=True) == spread == whole
    assert [3, 3, 3, 1] == [cell.cells for cell in (*of_spread, of_whole)]
    assert all(0 < sum(len(hashes) for _, hashes in cell.visitors) < 40 for cell in of_spread)
    assert {key: list(hashes) for key, hashes in of_whole.visitors} == {
        (stage,): [one for cell in of_spread for key, hashes in cell.visitors if key == (stage,) for one in hashes]
        for stage in range(2)
    }


async def test_too_many_visitors_are_counted_and_not_kept() -> None:
    """What is kept without them is exact; and the count says that it is not whole."""
    events = [entered(f"u{visitor}", 1, f"{TODAY}T11:00") for visitor in range(6)]
    for number, event in enumerate(events):
        event.event_id = str(number)
    log = LoggedBlocks([events])

    count, cells = await recounted(log, RecountBounds(most_members=1, most_cells=5))
    whole, _ = await recounted(log, RecountBounds(most_members=1, most_cells=6))

    by_stage = report_of(SetTable.USERS_BY_STAGE)
    assert (DayCount(6, 0, is_whole=False), DayCount(6, 0, is_whole=True)) == (count, whole)
    assert {(1,): 6} == decode_counts(cells[by_stage])
    assert [by_stage] == [report for report in cells if report.startswith(by_stage)]


async def test_too_large_a_cell_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    """The others are. The log says it."""
    events = [entered(f"u{visitor}", visitor, f"{TODAY}T11:00") for visitor in range(100)]
    for number, event in enumerate(events):
        event.event_id = str(number)

    count, cells = await recounted(LoggedBlocks([events]), RecountBounds(most_cell_bytes=500))

    assert DayCount(100, 0, is_whole=False) == count
    large = {"users_by_stage/0", "users_by_platform/0"}
    assert large == {report for report in ALL_REPORTS if report not in cells}
    assert large == {message.partition(" for ")[2].partition(",")[0] for message in caplog.messages}
