"""A disk that takes nothing, for real: the kernel limits how large this process's files may grow."""

import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eventmanager.blocks import Day, Partition
from eventmanager.errors import StoreUnavailableError
from eventmanager.facts import Addition, Facts, SetTable, Totals, TotalsTable
from eventmanager.store.protocol import BlockOutcome, Store
from eventmanager.store.sqlite.store import SQLiteStore
from tests.store.made_facts import all_blocks, all_members, all_totals, block_of, saying
from tests.store.test_apps import settings_of

STORED, KNOWN, UNAVAILABLE = BlockOutcome.STORED, BlockOutcome.KNOWN, BlockOutcome.UNAVAILABLE


@contextmanager
def full_disk(most_bytes: int = 0) -> Iterator[None]:
    """Let no file be written beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "events.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """A store that settles nothing by itself while a test runs."""
    store = await SQLiteStore.open(path, settle_after_s=3_600)
    yield store
    await store.close()


def facts_of(day: Day, number: int) -> Facts:
    """Say of one more block that it brings a visitor, who viewed the page for a second."""
    return Facts(
        {SetTable.USERS_BY_STAGE: {Partition(*day, 0): [(0, f"u{number:04}")]}},
        {day: {TotalsTable.VIEWS_BY_PAGE: {("/home",): Addition((1,), ([1_000],))}}},
        [[]],
    )


async def commit_until_full(store: Store, day: Day) -> int:
    """Commit blocks until one is refused, and return its number."""
    for number in range(1_000):
        block = block_of(Partition(*day, 0), f"{number}", payload=bytes(10_000))
        if await store.commit([block], set(), saying(facts_of(day, number))) == [UNAVAILABLE]:
            return number
    raise AssertionError("the disk did not get full")


def totals_of_blocks(blocks: int) -> dict[tuple[str], Totals]:
    """Return what `facts_of` so many blocks add up to."""
    return {("/home",): Totals.of(Addition((blocks,), ([1_000] * blocks,)))}


async def test_what_was_stored_is_read_while_the_disk_is_full(store: Store, day: Day) -> None:
    """Also what did not get to its table before, as often as it is asked for."""
    with full_disk(500_000):
        stored = await commit_until_full(store, day)
        members = [await all_members(store, SetTable.USERS_BY_STAGE, Partition(*day, 0)) for _ in range(2)]
        totals = [await all_totals(store, TotalsTable.VIEWS_BY_PAGE, day) for _ in range(2)]
        counts = await store.member_counts(SetTable.USERS_BY_STAGE, Partition(*day, 0))
        dates = await store.dates(day.app, day.date, day.date)
        blocks = await all_blocks(store, Partition(*day, 0))

    assert stored > 1
    assert [[(0, f"u{number:04}") for number in range(stored)]] * 2 == members
    assert [totals_of_blocks(stored)] * 2 == totals
    assert {(0,): stored} == counts
    assert [day.date] == list(dates)
    assert stored == len(blocks)


async def test_it_recovers_by_itself(store: Store, day: Day) -> None:
    """What was refused is stored when it is sent again, once, and nothing was counted meanwhile."""
    with full_disk(500_000):
        refused = await commit_until_full(store, day)
        block = block_of(Partition(*day, 0), f"{refused}", payload=bytes(1_000_000))
        again = [await store.commit([block], {block.block_id}, saying(facts_of(day, refused))) for _ in range(3)]
    recovered = [await store.commit([block], {block.block_id}, saying(facts_of(day, refused))) for _ in range(2)]

    assert [[UNAVAILABLE]] * 3 == again
    assert [[STORED], [KNOWN]] == recovered
    assert totals_of_blocks(refused + 1) == await all_totals(store, TotalsTable.VIEWS_BY_PAGE, day)
    assert {(0,): refused + 1} == await store.member_counts(SetTable.USERS_BY_STAGE, Partition(*day, 0))


async def test_an_outage_is_logged_once(store: Store, day: Day, caplog: pytest.LogCaptureFixture) -> None:
    """With its cause; and so is its end."""
    with full_disk():
        for number in range(3):
            block = block_of(Partition(*day, 0), f"{number}", payload=bytes(10))
            await store.commit([block], set(), saying(facts_of(day, number)))
    await store.commit([block], set(), saying(facts_of(day, 2)))

    assert ["WARNING", "WARNING"] == [record.levelname for record in caplog.records]
    assert caplog.messages[0].startswith(
        "Events cannot be stored, and their senders are told to send again: "
        "the disk does not read or write as it should, or is full (SQLITE_IOERR_WRITE"
    )
    assert "Events are stored again." == caplog.messages[1]


async def test_other_changes_fail_with_the_cause(store: Store, day: Day) -> None:
    """Settings, and days to be dropped; both may be asked for again."""
    await store.commit([block_of(Partition(*day, 0), "0")], set(), saying(facts_of(day, 0)))
    settings = settings_of(day.app)
    with full_disk():
        for change in (lambda: store.create_app(settings), lambda: store.drop_day(day, 1)):
            with pytest.raises(StoreUnavailableError, match="or is full"):
                await change()
        kept = await store.read_app(day.app)
    created = await store.create_app(settings)
    await store.drop_day(day, 1)

    assert (None, True) == (kept, created)
    assert [] == list(await store.dates(day.app, day.date, day.date))


async def test_it_answers_while_the_disk_is_full(store: Store) -> None:
    """A check asks whether it can be read."""
    with full_disk():
        await store.check()


async def test_closed_while_the_disk_is_full(path: Path, day: Day) -> None:
    """Nothing that was stored is missing when it is opened again."""
    store = await SQLiteStore.open(path, settle_after_s=3_600)
    with full_disk(500_000):
        stored = await commit_until_full(store, day)
        await store.close()
    store = await SQLiteStore.open(path)
    totals = await all_totals(store, TotalsTable.VIEWS_BY_PAGE, day)
    await store.close()

    assert totals_of_blocks(stored) == totals
