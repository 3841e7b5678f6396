"""Group commit: what goes together, and what waits."""

import asyncio
import dataclasses
import datetime
import time
from collections.abc import AsyncIterator, Callable, Sequence, Set

import pytest

from eventmanager.blocks import Block, Partition
from eventmanager.committer import MOST_COMMIT_EVENTS, BlockAnswer, Committer
from eventmanager.errors import OverloadedError, ShuttingDownError
from eventmanager.events import CLICK, NO_TIME_MS, Platform
from eventmanager.memory import Memory
from eventmanager.store.protocol import BlockOutcome, FactsOf
from eventmanager.store.sqlite.store import SQLiteStore

PARTITION = Partition("shop", datetime.date(2026, 6, 17), 0)
NOWHERE = Platform("", "", "")


class WatchedStore(SQLiteStore):
    """A real store that tells which blocks each commit had."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type] # Whatever its `open` hands over.
        self.commits: list[set[bytes]] = []
        self.has_begun = asyncio.Event()

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        self.commits.append({block.block_id for block in blocks})
        self.has_begun.set()
        return await super().commit(blocks, resent, facts_of)


@pytest.fixture
async def store() -> AsyncIterator[WatchedStore]:
    store = await WatchedStore.open(None)
    yield store
    await store.close()


def block(name: str, events: int) -> Block:
    """Make a block of clicks, all by one visitor."""
    rows = [
        (CLICK, "u1", f"{name}-{number}", number, 12, NOWHERE, "/home", "button", NO_TIME_MS)
        for number in range(events)
    ]
    return Block.of(PARTITION, name.ljust(16).encode(), rows, name.encode(), 0)


async def test_a_request_is_committed_as_a_whole(store: WatchedStore) -> None:
    """However full commits are, the blocks of one request are never split between two."""
    committer = Committer(store, Memory(0), most_waiting_events=10 * MOST_COMMIT_EVENTS)
    requests = [[block(f"{number}.{part}", 6_000) for part in range(3)] for number in range(6)]

    answers = [answer for request in requests for answer in committer.submit(request, resent=False)]
    await asyncio.gather(*answers)

    assert len(store.commits) > 1
    for request in requests:
        ids = {block.block_id for block in request}
        assert [ids <= commit for commit in store.commits if ids & commit] == [True]


async def test_blocks_that_were_summed_up_together_go_together(store: WatchedStore) -> None:
    """They would have to be summed up again, one by one."""
    committer = Committer(store, Memory(0), most_waiting_events=10 * MOST_COMMIT_EVENTS)
    blocks = [block(f"{number}", MOST_COMMIT_EVENTS // 3) for number in range(6)]
    together = dataclasses.replace(blocks[2], blocks_summed=2)
    blocks[2:4] = [together, dataclasses.replace(blocks[3], sums=together.sums, blocks_summed=2)]

    answers = [answer for each in blocks for answer in committer.submit([each], resent=False)]
    await asyncio.gather(*answers)

    assert [{b.block_id for b in blocks[:2]}, {b.block_id for b in blocks[2:5]}] == store.commits[:2]


async def test_what_comes_during_a_commit_goes_together(store: WatchedStore) -> None:
    """Requests that come while a commit is on its way make one commit, not one each."""
    committer = Committer(store, Memory(100), most_waiting_events=1_000)

    first = committer.submit([block("first", 1)], resent=False)
    await store.has_begun.wait()
    later = [committer.submit([block(f"later {number}", 1)], resent=False) for number in range(5)]
    await asyncio.gather(*first, *(answer for answers in later for answer in answers))

    assert [len(commit) for commit in store.commits] == [1, 5]


async def test_what_comes_at_once_goes_together(store: WatchedStore) -> None:
    """Requests that come in turn after turn make one commit."""
    committer = Committer(store, Memory(100), most_waiting_events=1_000)
    answers: list[asyncio.Future[BlockAnswer]] = []
    for number in range(5):
        answers += committer.submit([block(f"{number}", 1)], resent=False)
        await asyncio.sleep(0)
    await asyncio.gather(*answers)

    assert [len(commit) for commit in store.commits] == [5]


async def _send_again(committer: Committer, turns_later: Sequence[int]) -> None:
    """Send some requests at once and, when they are answered, one more each after so many turns of the event loop."""

    async def send_twice(number: int, turns: int) -> None:
        await asyncio.gather(*committer.submit([block(f"first {number}", 1)], resent=False))
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.gather(*committer.submit([block(f"again {number}", 1)], resent=False))

    await asyncio.gather(*(send_twice(number, turns) for number, turns in enumerate(turns_later)))


async def test_those_who_send_again_after_an_answer_go_together(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit waits for as many as the last one answered, though it is quiet meanwhile."""
    monkeypatch.setattr("eventmanager.committer._PATIENCE_S", 60.0)
    await _send_again(Committer(store, Memory(100), most_waiting_events=1_000), [0, 50, 100])

    assert [len(commit) for commit in store.commits] == [3, 3]


async def test_those_who_do_not_send_again_are_not_waited_for(store: WatchedStore) -> None:
    """Who comes much later has a commit of its own."""
    await _send_again(Committer(store, Memory(100), most_waiting_events=1_000), [0, 50_000])

    assert [len(commit) for commit in store.commits] == [2, 1, 1]


@pytest.mark.parametrize(
    ("events", "most_waiting_events"), [pytest.param(1_000, 10_000, id="large"), pytest.param(10, 10, id="no room")]
)
async def test_commits_that_gain_nothing_do_not_wait_for_more(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch, events: int, most_waiting_events: int
) -> None:
    """A large commit costs by its events, and where there is no room nobody else can come."""
    monkeypatch.setattr("eventmanager.committer._PATIENCE_S", 60.0)
    committer = Committer(store, Memory(0), most_waiting_events)
    await asyncio.gather(*(answer for name in "abc" for answer in committer.submit([block(name, 1)], resent=False)))

    await asyncio.wait_for(asyncio.gather(*committer.submit([block("more", events)], resent=False)), 30)

    assert [len(commit) for commit in store.commits] == [3, 1]


@pytest.mark.parametrize(("events", "fewest_turns", "most_turns"), [(499, 8, 100), (500, 1, 4)])
async def test_many_events_do_not_wait_for_slow_turns(
    store: WatchedStore, monkeypatch: pytest.MonkeyPatch, events: int, fewest_turns: int, most_turns: int
) -> None:
    """Where other work takes milliseconds of each turn of the event loop, a commit of many does not wait for eight."""
    # Eight turns may take longer than few events wait for, where the machine is busy.
    monkeypatch.setattr("eventmanager.committer._LONGEST_GATHERING_S", 60.0)
    committer = Committer(store, Memory(0), most_waiting_events=1_000)
    answers = committer.submit([block("sent", events)], resent=False)
    turns = 0
    while not store.has_begun.is_set():
        time.sleep(0.002)  # noqa: ASYNC251 - keeps the loop, as other work does.
        await asyncio.sleep(0)
        turns += 1
    await asyncio.gather(*answers)

    assert fewest_turns <= turns <= most_turns


async def test_requests_that_never_stop_coming_do_not_keep_each_other(store: WatchedStore) -> None:
    """A commit begins all the same, and the first are answered while others come."""
    committer = Committer(store, Memory(100), most_waiting_events=1_000_000)
    (first,) = committer.submit([block("first", 1)], resent=False)
    answers = [first]
    while not first.done():
        answers += committer.submit([block(f"{len(answers)}", 1)], resent=False)
        assert len(answers) < 100_000
        await asyncio.sleep(0)

    assert all(answer.outcome is BlockOutcome.STORED for answer in await asyncio.gather(*answers))


async def test_a_copy_that_comes_meanwhile_waits_and_is_known(store: WatchedStore) -> None:
    """The same block again, while the first is on its way, is committed once and answered as a copy."""
    committer = Committer(store, Memory(100), most_waiting_events=1_000)

    (first,) = committer.submit([block("same", 2)], resent=False)
    (again,) = committer.submit([block("same", 2)], resent=True)

    assert ((await first).outcome, (await again).outcome) == (BlockOutcome.STORED, BlockOutcome.KNOWN)
    assert len(store.commits) == 1


class UnsettledStore(SQLiteStore):
    """A real store that counts its first commit and cannot say that all of it is durable."""

    async def commit(self, blocks: Sequence[Block], resent: Set[bytes], facts_of: FactsOf) -> list[BlockOutcome]:
        outcomes = await super().commit(blocks, resent, facts_of)
        is_first = blocks[0].block_id == block("first", 1).block_id
        return [BlockOutcome.UNSETTLED] * len(blocks) if is_first else outcomes


async def test_events_that_are_counted_but_not_settled_are_copies_later() -> None:
    """Their sender hears that they may not be stored; sent again in another request they do not count again."""
    store = await UnsettledStore.open(None)
    committer = Committer(store, Memory(100), most_waiting_events=1_000)
    first = block("first", 2)

    (unsettled,) = committer.submit([first], resent=False)
    assert BlockAnswer(BlockOutcome.UNAVAILABLE, ()) == await unsettled
    (again,) = committer.submit([Block.of(PARTITION, b"another block id", first.rows(), b"again", 0)], resent=True)

    assert BlockAnswer(BlockOutcome.STORED, [0, 1]) == await again
    await store.close()


async def test_too_much_at_once_is_not_taken(store: WatchedStore) -> None:
    """Beyond the bound nothing is taken, until there is room again."""
    committer = Committer(store, Memory(100), most_waiting_events=5)
    (taken,) = committer.submit([block("taken", 5)], resent=False)

    with pytest.raises(OverloadedError, match="5 events wait to be stored"):
        committer.submit([block("too much", 1)], resent=False)

    await committer.wait_for_room()
    assert taken.done()
    (later,) = committer.submit([block("later", 1)], resent=False)
    assert (await later).outcome is BlockOutcome.STORED


async def test_what_was_expected_and_has_come_takes_room_once(store: WatchedStore) -> None:
    """Requests that are submitted before the commit that they were expected for do not wait twice."""
    committer = Committer(store, Memory(100), most_waiting_events=3)
    new_future: Callable[[], asyncio.Future[BlockAnswer]] = asyncio.get_running_loop().create_future
    for _ in range(2):
        committer.expect(lambda: None)
    for name in ("first", "second"):
        committer.submit([block(name, 1)], resent=False, answer=new_future())

    (third,) = committer.submit([block("third", 1)], resent=False)

    assert committer.is_full
    assert (await third).outcome is BlockOutcome.STORED
    assert [len(commit) for commit in store.commits] == [3]


async def test_what_was_expected_and_does_not_come_takes_no_room(store: WatchedStore) -> None:
    """As where there is something wrong with a request."""
    committer = Committer(store, Memory(100), most_waiting_events=1)

    committer.expect(lambda: None)
    await asyncio.wait_for(committer.wait_for_room(), 30)

    (later,) = committer.submit([block("later", 1)], resent=False)
    assert (await later).outcome is BlockOutcome.STORED


async def test_who_waits_for_room_hears_of_what_came_and_is_nothing(store: WatchedStore) -> None:
    """As where none of an expected request's events is to be stored, and no commit begins for it."""
    committer = Committer(store, Memory(100), most_waiting_events=1)
    committer.expect(lambda: None)
    waiting = asyncio.create_task(committer.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()

    committer.submit([], resent=False, answer=asyncio.get_running_loop().create_future())

    await asyncio.wait_for(waiting, 30)
    assert store.commits == []


async def test_nothing_is_taken_after_the_end(store: WatchedStore) -> None:
    """Closing answers what was taken, and takes nothing more."""
    committer = Committer(store, Memory(100), most_waiting_events=1_000)
    (taken,) = committer.submit([block("taken", 1)], resent=False)

    await committer.close()

    assert taken.result().outcome is BlockOutcome.STORED
    with pytest.raises(ShuttingDownError):
        committer.submit([block("late", 1)], resent=False)
