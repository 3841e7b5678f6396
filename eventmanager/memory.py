"""What a process remembers of the events it has folded, within stated bounds.

It is used from one commit at a time. A commit that fails is undone, so that its events, sent again, are new again.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain
from typing import Final, Protocol

from eventmanager.blocks import Block, Partition
from eventmanager.facts import SetTable
from eventmanager.remembered_ids import RememberedIds
from eventmanager.remembered_visitors import RememberedVisitors, StageBefore

MOST_REMEMBERED_ROWS: Final = 500_000
"""Most set rows and visitors' stages remembered: about 100 MB."""


class StagesBefore(Protocol):
    """Takes note of what visitors' stages were before they changed."""

    def append(self, stage_before: StageBefore, /) -> None:
        """Take note of one more."""
        ...


class FoldMemory(Protocol):
    """What the fold asks while it goes through blocks."""

    @property
    def stages_before(self) -> StagesBefore:
        """Is told of every stage that changes, before it does."""
        ...

    def copies(self, blocks: Sequence[Block]) -> Sequence[Sequence[int]]:
        """Return for each block the positions of its events that do not count."""
        ...

    def visitors(self, partition: Partition) -> RememberedVisitors:
        """Return what is remembered of a partition's visitors, to be read and changed."""
        ...


class Memory:
    """The ids of the last events folded, and their visitors."""

    def __init__(self, remembered_ids: int, most_rows: int = MOST_REMEMBERED_ROWS) -> None:
        self._most_rows = most_rows
        self._ids = RememberedIds(remembered_ids)
        self._new_ids: set[int] = set()
        self._visitors: OrderedDict[Partition, RememberedVisitors] = OrderedDict()
        self.stages_before: list[StageBefore] = []
        """What the stages remembered were before this commit changed them, in order, for `undo`."""

    def copies(self, blocks: Sequence[Block]) -> Sequence[Sequence[int]]:
        """Return for each block the positions of its events whose ids are remembered; remember the others."""
        keys = [_keys(block) for block in blocks]
        new = set(chain.from_iterable(keys))
        if len(new) == sum(map(len, keys)) and self._ids.isdisjoint(new) and self._new_ids.isdisjoint(new):
            # Each id is looked up once, in one go: among a million it takes longer than all else that an event needs.
            self._new_ids = self._new_ids | new if self._new_ids else new
            return [()] * len(blocks)
        return list(map(self._copies, keys))

    def _copies(self, keys: Sequence[int]) -> Sequence[int]:
        copies = []
        for position, key in enumerate(keys):
            if key in self._ids or key in self._new_ids:
                copies.append(position)
            else:
                self._new_ids.add(key)
        return copies

    def known(self, block: Block) -> list[bool]:
        """Tell of each event in a block whether its id is remembered."""
        return [key in self._ids for key in _keys(block)]

    def visitors(self, partition: Partition) -> RememberedVisitors:
        """Return what is remembered of a partition's visitors, to be read and changed."""
        visitors = self._visitors.get(partition)
        if visitors is None:
            visitors = self._visitors[partition] = RememberedVisitors()
        self._visitors.move_to_end(partition)
        return visitors

    def keep(self) -> None:
        """End a commit that succeeded, and forget what is too much."""
        self._ids.add(self._new_ids)
        self._new_ids = set()
        self.stages_before.clear()
        rows = sum(map(len, self._visitors.values()))
        while rows > self._most_rows:
            oldest = next(iter(self._visitors))
            visitors = self._visitors[oldest]
            rows -= len(visitors)
            visitors.forget_some()
            rows += len(visitors)
            if not len(visitors):
                del self._visitors[oldest]

    def undo(self) -> None:
        """End a commit that failed."""
        self._new_ids = set()
        for stages, device_id, before in reversed(self.stages_before):
            if before is None:
                stages.pop(device_id, None)
            else:
                stages[device_id] = before
        self.stages_before.clear()
        for visitors in self._visitors.values():
            visitors.forget_rows(*SetTable)


def _keys(block: Block) -> list[int]:
    """Hash the identity of each event: 64 bits, salted for each process.

    Among a million ids remembered, one new event in 1.8e13 is taken for a copy by chance. It is in the log all the
    same, so a recount has it.
    """
    salt = hash(block.partition)
    return [salt ^ hash(identity) for identity in block.identities()]
