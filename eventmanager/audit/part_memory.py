"""What the fold is to know while a part of the log is counted."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from eventmanager.blocks import Block, Partition
from eventmanager.facts import SetTable
from eventmanager.remembered_visitors import RememberedVisitors, StageBefore

_MOST_PLATFORMS: Final = 500_000
"""Most visitors whose platform is remembered: some 100 MB."""


class PartMemory:
    """Knows of no copies, for none are handed to it, and of nothing but what it has folded."""

    def __init__(self) -> None:
        self._visitors = RememberedVisitors()
        self.stages_before: deque[StageBefore] = deque(maxlen=0)
        """Keeps nothing: there is nothing to undo."""

    def copies(self, blocks: Sequence[Block]) -> Sequence[Sequence[int]]:
        """Return for each block the positions of copies: it has none."""
        return [()] * len(blocks)

    def visitors(self, partition: Partition) -> RememberedVisitors:  # noqa: ARG002 - all are of one.
        """Return what is remembered of a partition's visitors."""
        return self._visitors

    def forget(self) -> None:
        """Make room for more rows. Platforms are remembered for longer: nearly every event would tell its own again."""
        self._visitors.stage_of.clear()
        self._visitors.forget_rows(SetTable.USERS_BY_STAGE, SetTable.STAGE_GRAPH)
        if self._visitors.count(SetTable.USERS_BY_PLATFORM) >= _MOST_PLATFORMS:
            self._visitors.forget_rows(SetTable.USERS_BY_PLATFORM)
