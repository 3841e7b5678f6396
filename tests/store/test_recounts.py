"""Marks and recounts, on every store."""

from eventmanager.blocks import Day, Partition
from eventmanager.facts import NO_FACTS, Facts
from eventmanager.store.protocol import BlockOutcome, Recount, Store
from tests.store.conftest import OpenStore
from tests.store.made_facts import A_DAY, DATE, block_of, commit, saying

OTHER_DATE = DATE + A_DAY


async def marks_of(store: Store, day: Day) -> bytes | None:
    """Return a day's marks."""
    return (await store.marks(day.app, [day.date])).get(day.date)


async def test_every_acknowledged_block_changes_the_marks(store: Store, day: Day) -> None:
    """A new one, one sent again, and one that adds no facts; nothing else does."""
    partition = Partition(*day, 0)
    sent = block_of(partition, "sent")
    seen = [await marks_of(store, day)]
    for resent in (set(), {sent.block_id}, {sent.block_id}):
        outcomes = await store.commit([sent], resent, saying(NO_FACTS))
        assert outcomes[0] is not BlockOutcome.UNAVAILABLE
        seen.append(await marks_of(store, day))
    await commit(store, Partition(*day, 3), "other", Facts({}, {}, [[]]))
    seen.append(await marks_of(store, day))

    assert None is seen[0]
    assert len(seen) == len(set(seen))
    assert seen[-1] == await marks_of(store, day)


async def test_marks_are_asked_for_many_days_at_once(store: Store, day: Day) -> None:
    """Days without events have none."""
    other = Day(day.app, OTHER_DATE)
    for each in (day, other):
        await commit(store, Partition(*each, 0), "block", NO_FACTS)
    dates = [DATE + number * A_DAY for number in range(-20, 20)]

    marks = await store.marks(day.app, dates)

    assert {day.date, other.date} == marks.keys()
    assert [await marks_of(store, day), await marks_of(store, other)] == [marks[day.date], marks[other.date]]
    assert {} == await store.marks("nobody", dates)
    assert {} == await store.marks(day.app, [])


async def test_the_last_recount_written_is_read(reopen: OpenStore, day: Day) -> None:
    """By report and day, also after the store was opened again."""
    store = await reopen()
    await commit(store, Partition(*day, 0), "block", NO_FACTS)
    marks = await marks_of(store, day)
    assert marks is not None
    older = Recount("traffic", marks, b"older")
    newer = [Recount("traffic", marks, b""), Recount("day", marks, bytes(range(256)) * 10_000)]
    await store.write_recounts(day, [older], 0)
    await store.write_recounts(day, newer, 4_000_000_000)
    store = await reopen()

    assert {DATE: newer[0]} == await store.read_recounts(day.app, "traffic", [DATE, OTHER_DATE])
    assert {DATE: newer[1]} == await store.read_recounts(day.app, "day", [DATE])
    assert {} == await store.read_recounts(day.app, "clicks", [DATE])
    assert {} == await store.read_recounts("nobody", "day", [DATE])


async def test_a_day_that_is_dropped_takes_its_recounts_along(store: Store, day: Day) -> None:
    """And when it is back, its marks are none that it had."""
    await commit(store, Partition(*day, 0), "block", NO_FACTS)
    marks = await marks_of(store, day)
    assert marks is not None
    await store.write_recounts(day, [Recount(f"report {number}", marks, b"figures") for number in range(9)], 0)
    await store.drop_day(day, 1)
    dropped = (await marks_of(store, day), await store.read_recounts(day.app, "report 0", [DATE]))
    await commit(store, Partition(*day, 0), "block", NO_FACTS)

    assert (None, {}) == dropped
    assert await marks_of(store, day) not in {None, marks}
    assert {} == await store.read_recounts(day.app, "report 8", [DATE])
