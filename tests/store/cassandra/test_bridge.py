"""The bridge from the driver's thread to the event loop."""

import asyncio
import gc
import time
import weakref
from collections.abc import Callable

import pytest
from cassandra import InvalidRequest, Unavailable
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import SimpleStatement

from eventmanager.store.cassandra.bridge import Bridge
from eventmanager.store.cassandra.connection import READS
from eventmanager.store.cassandra.faults import Fault, StatementError, explain

_KEY = SimpleStatement("SELECT key FROM system.local")


async def test_many_answers_wake_the_loop_seldom(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that finish until the loop comes to it are handed over at once."""
    loop = asyncio.get_running_loop()
    bridge = Bridge(session, loop, READS, 1_000)
    wake_ups = 0
    call_soon_threadsafe = loop.call_soon_threadsafe

    def count_wake_up(callback: Callable[[], None]) -> asyncio.Handle:
        nonlocal wake_ups
        wake_ups += 1
        return call_soon_threadsafe(callback)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count_wake_up)
    tasks = [asyncio.create_task(bridge.execute(_KEY)) for _ in range(500)]
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 - keeps the loop from being woken, as a long fold does.
    results = await asyncio.gather(*tasks)

    assert [[("local",)]] * 500 == results
    assert 1 <= wake_ups <= 50


async def test_no_more_is_in_flight_than_allowed(session: Session) -> None:
    """Statements wait for a slot, also for those of callers who went away."""
    bridge = Bridge(session, asyncio.get_running_loop(), READS, 2)
    tasks = [asyncio.create_task(bridge.execute(_KEY)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[:5]:
        task.cancel()

    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [True] * 5 + [False] * 5 == [isinstance(result, asyncio.CancelledError) for result in results]
    assert [("local",)] == await bridge.execute(_KEY)


async def test_pages_come_one_by_one(session: Session) -> None:
    """Whole rows, in order, whatever the page's size; and a failure says what it means."""
    bridge = Bridge(session, asyncio.get_running_loop(), READS, 1)
    statement = SimpleStatement("SELECT keyspace_name FROM system_schema.tables", fetch_size=5)

    pages = [page async for page in bridge.pages(statement)]

    assert [5] * (len(pages) - 1) == [len(page) for page in pages[:-1]]
    assert list(session.execute("SELECT keyspace_name FROM system_schema.tables")) == [
        row for page in pages for row in page
    ]

    with pytest.raises(StatementError, match=r"^InvalidRequest: ") as failed:
        [page async for page in bridge.pages(SimpleStatement("SELECT nothing FROM system.local"))]

    assert Fault.MISTAKE is failed.value.fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Unavailable("too few"), Fault.NOT_DONE),
        (InvalidRequest("no such table"), Fault.MISTAKE),
        (NoHostAvailable("all gone", {}), Fault.UNKNOWN),
        (RuntimeError("never heard of"), Fault.UNKNOWN),
    ],
)
def test_a_failure_says_what_is_known_of_the_statement(error: Exception, fault: Fault) -> None:
    """Whatever is not certain is unknown."""
    assert fault is explain(error).fault


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_a_statement_that_ended_needs_no_collector_to_go(session: Session, *, is_given_up: bool) -> None:
    """The collector hardly looks while streams are busy, and statements hold the rows that they write.

    That goes for those, too, whose answer nobody waits for any more.
    """
    bridge = Bridge(session, asyncio.get_running_loop(), READS, 1)
    statement = SimpleStatement("SELECT key FROM system.local")
    kept = weakref.ref(statement)
    gc.disable()
    try:
        executing = asyncio.create_task(bridge.execute(statement))
        await asyncio.sleep(0)
        if is_given_up:
            executing.cancel()
        await asyncio.wait((executing,))
        assert is_given_up is executing.cancelled()
        del executing, statement
        async with asyncio.timeout(15):
            while kept() is not None:  # noqa: ASYNC110 - nothing tells when it goes.
                await asyncio.sleep(0.1)
    finally:
        gc.enable()
