"""Group commit: while one commit is on its way the next one gathers, and it begins once nothing more comes in. So
commits get fat under load, and a sender that is alone waits for nobody.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from eventmanager.blocks import Block, Day, Partition
from eventmanager.errors import OverloadedError, ShuttingDownError
from eventmanager.facts import Facts
from eventmanager.fold import fold
from eventmanager.memory import Memory
from eventmanager.store.protocol import BlockOutcome, Store

MOST_COMMIT_EVENTS: Final = 50_000
"""Most events in one commit: more would make all of them wait longer, and cost no less."""
_QUIET_TURNS: Final = 8
"""So many turns of the event loop without a request, and no more are on their way: some 0.1 ms where nothing is to be
done. A call that comes in has something to do in most turns.
"""
_LONGEST_GATHERING_S: Final = 0.02
"""Where requests never stop coming, a commit begins after this."""
_LONGEST_GATHERING_OF_MANY_S: Final = 0.001
"""And where it has many events, after this: a turn of the event loop then takes milliseconds where other work is done
in it, and whoever comes meanwhile goes with the next.
"""
_ENOUGH_EVENTS: Final = 10_000
"""A commit of more takes hardly less time an event: it begins at once, or the store would have nothing to do."""
_FEW_EVENTS: Final = 500
"""What a commit of fewer costs hardly depends on how many there are: it waits for others that may come now."""
_PATIENCE_S: Final = 0.002
"""So long altogether: most senders that were answered and have more to send have sent it by then."""


class BlockAnswer(NamedTuple):
    """What became of a block, and the positions of its events that were known before."""

    outcome: BlockOutcome
    copies: Sequence[int]


class _Waiting(NamedTuple):
    block: Block
    resent: bool
    taken_s: float
    answer: asyncio.Future[BlockAnswer]
    copies: list[asyncio.Future[BlockAnswer]]
    """Of those who sent the same block meanwhile. Each future has one who waits for it, and who may cancel it."""

    def settle(self, answer: BlockAnswer) -> None:
        """Answer all who are still there."""
        if not self.answer.done():
            self.answer.set_result(answer)
        copy = BlockAnswer(BlockOutcome.KNOWN, ()) if answer.outcome is BlockOutcome.STORED else answer
        for future in self.copies:
            if not future.done():
                future.set_result(copy)

    def fail(self, error: Exception) -> None:
        """Tell all who are still there what went wrong."""
        for future in (self.answer, *self.copies):
            if not future.done():
                future.set_exception(error)


class Committer:
    """Commits blocks one group after the other. Belongs to one event loop."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        most_waiting_events: int,
        note_day: Callable[[Day], None] = lambda _: None,
        note_wait: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`note_day` hears of every day that changes, or may have where a commit failed; `note_wait` for each commit
        how many seconds the first of its events waited for its end.
        """
        self._store = store
        self._note_day = note_day
        self._note_wait = note_wait
        self._memory = memory
        self._most_waiting_events = most_waiting_events
        self._in_hand: dict[tuple[Partition, bytes], _Waiting] = {}
        self._waiting: list[Sequence[_Waiting]] = []
        self._coming = 0
        self._bring: Callable[[], None] | None = None
        self._has_come: asyncio.Future[None] | None = None
        self._expected_requests = 0
        self.events_in_hand = 0
        self._room = asyncio.Event()
        self._room.set()
        self._commits: asyncio.Task[None] | None = None
        self._closed = False

    def submit(
        self, blocks: Sequence[Block], *, resent: bool, answer: asyncio.Future[BlockAnswer] | None = None
    ) -> Sequence[asyncio.Future[BlockAnswer]]:
        """Take blocks to be committed, and return the promise of an answer for each.

        `answer` is that of a request that was expected, and promised for its block if it is a single one. Nothing is
        taken where this raises ShuttingDownError, after `close`, or OverloadedError, where too much waits already,
        which is told of what was not expected.
        """
        if self._closed:
            raise ShuttingDownError
        if answer is None and self.is_full:
            raise OverloadedError(self.events_in_hand)
        if answer is not None:
            self._coming -= 1
        taken: list[_Waiting] = []
        if answer is None or len(blocks) != 1:
            new_future = asyncio.get_running_loop().create_future
            answers = [self._take(block, new_future(), taken, resent=resent) for block in blocks]
        else:
            answers = [self._take(blocks[0], answer, taken, resent=resent)]
        self._note_room()
        if taken:
            self._waiting.append(taken)
            self._note_coming()
        return answers

    def expect(self, bring: Callable[[], None]) -> None:
        """Know that one request more waits to be submitted by `bring`, which is called before the next commit begins.

        It is always the same, and brings all that are expected by then. Raises OverloadedError where too much waits.
        """
        if self.is_full:
            raise OverloadedError(self.events_in_hand)
        self._coming += 1
        self._bring = bring
        self._note_room()
        self._note_coming()

    @property
    def is_full(self) -> bool:
        """Whether too much waits, so that OverloadedError would be raised."""
        return self.events_in_hand + self._coming >= self._most_waiting_events

    async def wait_for_room(self) -> None:
        """Return once less waits than is allowed."""
        while self.is_full:
            await self._room.wait()

    async def close(self) -> None:
        """Take nothing more, and return once all that was taken is answered."""
        self._closed = True
        if self._commits is not None:
            await self._commits

    def _note_room(self) -> None:
        if self.is_full:
            self._room.clear()
        else:
            self._room.set()

    def _note_coming(self) -> None:
        if self._has_come is not None:
            _set(self._has_come)
        if self._commits is None:
            self._commits = asyncio.get_running_loop().create_task(self._commit_all())

    def _take(
        self, block: Block, answer: asyncio.Future[BlockAnswer], taken: list[_Waiting], *, resent: bool
    ) -> asyncio.Future[BlockAnswer]:
        key = _key(block)
        first = self._in_hand.get(key)
        if first is not None:
            # The same request again while the first is on its way: it shares its fate, and is a copy of it.
            first.copies.append(answer)
            return answer
        waiting = _Waiting(block, resent, time.monotonic(), answer, [])
        self._in_hand[key] = waiting
        taken.append(waiting)
        self.events_in_hand += block.count
        return answer

    async def _commit_all(self) -> None:
        """Commit until nothing waits."""
        while self._requests:
            await self._gather()
            if self._coming and self._bring is not None:
                self._bring()
                self._coming = 0  # Those that could not be submitted do not come.
                self._note_room()
            if not self._waiting:  # What was brought had nothing to store.
                continue
            requests = len(self._waiting)
            group = self._next_group()
            requests -= len(self._waiting)
            try:
                await self._commit(group)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it.
                for waiting in group:
                    waiting.fail(error)
            finally:
                self._note_wait(time.monotonic() - group[0].taken_s)
                self._expected_requests = requests + self._requests
                for waiting in group:
                    del self._in_hand[_key(waiting.block)]
                    self.events_in_hand -= waiting.block.count
                self._note_room()
        self._commits = None

    @property
    def _requests(self) -> int:
        """How many wait for a commit to begin, or are expected before."""
        return len(self._waiting) + self._coming

    async def _gather(self) -> None:
        """Return once the requests that are on their way in are here, or enough of them.

        What a commit costs, and what its thread takes of the interpreter's time, hardly depends on how many there are.
        """
        begun_s = time.monotonic()
        await self._wait_until_quiet(begun_s)
        patience_s = _PATIENCE_S
        while self._lacks_requests and patience_s > 0:
            waiting_since_s = time.monotonic()
            await self._wait_for_request(patience_s)
            patience_s -= time.monotonic() - waiting_since_s
            await self._wait_until_quiet(begun_s)

    async def _wait_until_quiet(self, begun_s: float) -> None:
        requests = quiet = 0
        while quiet < _QUIET_TURNS and not self._has_enough(begun_s):
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._requests == requests else 0
            requests = self._requests

    def _has_enough(self, begun_s: float) -> bool:
        """Whether a commit that has gathered since then is to begin, though more may be on their way."""
        are_few = self.events_in_hand < _FEW_EVENTS
        longest_s = _LONGEST_GATHERING_S if are_few else _LONGEST_GATHERING_OF_MANY_S
        return self.events_in_hand >= _ENOUGH_EVENTS or time.monotonic() - begun_s >= longest_s

    @property
    def _lacks_requests(self) -> bool:
        """Whether few are here, and fewer than when the last commit ended: who waited for it may well send again.

        Not where there is no room for more: whoever comes is told to wait until a commit has made some.
        """
        are_few = self.events_in_hand < _FEW_EVENTS and not self.is_full
        return are_few and self._requests < self._expected_requests

    async def _wait_for_request(self, most_s: float) -> None:
        # asyncio.timeout takes several times as long, and nearly every request of few events comes by here.
        loop = asyncio.get_running_loop()
        self._has_come = loop.create_future()
        timer = loop.call_later(most_s, _set, self._has_come)
        try:
            await self._has_come
        finally:
            timer.cancel()

    def _next_group(self) -> Sequence[_Waiting]:
        """Take as many requests as one commit holds. A request is not split: it is stored wholly or not at all."""
        events = 0
        for place, request in enumerate(self._waiting):
            events += sum(waiting.block.count for waiting in request)
            if events > MOST_COMMIT_EVENTS and place:
                taken = self._parted_before(place)
                break
        else:
            taken = len(self._waiting)
        group = list(itertools.chain.from_iterable(self._waiting[:taken]))
        del self._waiting[:taken]
        return group

    def _parted_before(self, place: int) -> int:
        """Return how many requests can be taken before one, and none that was summed up together with those left.

        As many as there are before it where all of them were.
        """
        for taken in range(place, 0, -1):
            before = {waiting.block.sums for waiting in self._waiting[taken - 1]}
            if before.isdisjoint(waiting.block.sums for waiting in self._waiting[taken]):
                return taken
        return place

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        blocks = [waiting.block for waiting in group]
        resent = {waiting.block.block_id for waiting in group if waiting.resent}
        folded: dict[tuple[Partition, bytes], Sequence[int]] = {}

        def facts_of(new: Sequence[Block]) -> Facts:
            if folded:  # Called again: what was folded before is void.
                self._memory.undo()
                folded.clear()
            facts = fold(new, self._memory)
            folded.update(zip(map(_key, new), facts.copies, strict=True))
            return facts

        try:
            outcomes = await self._store.commit(blocks, resent, facts_of)
            for day in {block.partition.day for block in blocks}:
                self._note_day(day)
        except BaseException:
            self._memory.undo()
            raise
        if any(
            outcome is BlockOutcome.UNAVAILABLE and _key(block) in folded
            for block, outcome in zip(blocks, outcomes, strict=True)
        ):
            self._memory.undo()
        else:
            for block, outcome in zip(blocks, outcomes, strict=True):
                if outcome is BlockOutcome.KNOWN:
                    self._memory.copies([block])  # Remembers its ids: events of it may come again in other requests.
            self._memory.keep()
        for waiting, outcome in zip(group, outcomes, strict=True):
            if outcome is BlockOutcome.UNSETTLED:
                outcome = BlockOutcome.UNAVAILABLE  # To whoever waits it is the same; only its ids are remembered.
            copies = folded.get(_key(waiting.block), ()) if outcome is BlockOutcome.STORED else ()
            waiting.settle(BlockAnswer(outcome, copies))


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _key(block: Block) -> tuple[Partition, bytes]:
    return block.partition, block.block_id
