"""Where a commit goes wrong: every one of its steps, and what follows."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from live.eventmanager.v1.event_pb2 import Event

from tests.audit.model import Told

TODAY, YESTERDAY = True, False


class Follows(Enum):
    """What happens after the step that fails."""

    GOES_ON = "the server goes on"
    IS_GONE = "nothing the server does from then on reaches the store"


class Again(Enum):
    """How events come again that were not answered for."""

    AS_THEY_WERE = "as they were"
    RESENT = "as they were, with the flag"
    REBATCHED = "in other requests"


class Point(NamedTuple):
    """One way in which a commit goes wrong."""

    step: int
    """How many statements go well before."""
    is_done: bool
    """Whether the statement that fails is done, and only its answer lost."""
    follows: Follows
    again: Again


class Case(NamedTuple):
    """A commit that goes wrong, and what there is before."""

    long_before: Sequence[Sequence[Event]]
    """Requests to a server that is there no more."""
    before: Sequence[Sequence[Event]]
    """Requests to the same server."""
    request: Sequence[Event]
    is_resent: bool = False
    is_read: bool = False
    """Whether somebody reads after it: what a file does then goes wrong, too."""


def points_of(answered_after: int, steps: int) -> Iterator[Point]:
    """List all ways in which a commit of so many statements goes wrong, and reading after its answer.

    Where the server is gone it does not matter whether it heard of what was done last: to the store that is the same as
    a crash one step later. The last point is a crash when all is done. What was answered does not come again.
    """
    for step in range(steps):
        for again in Again if step < answered_after else [Again.AS_THEY_WERE]:
            for is_done in (False, True):
                yield Point(step, is_done, Follows.GOES_ON, again)
            yield Point(step, is_done=False, follows=Follows.IS_GONE, again=again)
    yield Point(steps, is_done=False, follows=Follows.IS_GONE, again=Again.AS_THEY_WERE)


def with_one_way_each(points: Iterable[Point]) -> Iterator[Point]:
    """Leave one way to send again for each step and what becomes of it, by turns."""
    ways = list(Again)
    for step, same_step in itertools.groupby(points, lambda point: point.step):
        several = list(same_step)
        chosen = ways[step % len(ways)] if len({point.again for point in several}) > 1 else several[0].again
        yield from (point for point in several if point.again is chosen)


def _told(*events: tuple[int, int, bool, int, int, int, int]) -> list[Event]:
    return [Told(*event).event() for event in events]


# Visitors 0 and 1 lie in one shard of two, 4 and 5 in the other, so that a request of two days is four blocks.
# All stages left are told.
_BASE: Final = _told(
    (0, 0, TODAY, 1, 3, 1, 0),
    (4, 1, TODAY, 2, 3, 2, 1),
    (0, 2, YESTERDAY, 4, 3, 1, 0),
    (5, 3, YESTERDAY, 5, 1, 2, 0),
)
_NEW: Final = _told(
    (0, 10, TODAY, 4, 3, 2, 1),
    (1, 11, TODAY, 5, 0, 1, 0),
    (4, 12, TODAY, 1, 3, 1, 0),
    (5, 13, TODAY, 2, 2, 0, 0),
    (0, 14, YESTERDAY, 5, 2, 1, 0),
    (1, 15, YESTERDAY, 7, 3, 3, 2),
    (4, 16, YESTERDAY, 1, 1, 1, 0),
    (5, 17, YESTERDAY, 2, 3, 3, 0),
)
MORE: Final = _told((0, 20, TODAY, 7, 3, 3, 2), (5, 21, YESTERDAY, 7, 0, 2, 0))

CASES: Final = {
    "new": Case([_BASE], [], _NEW, is_read=True),
    "resent to another server": Case([_BASE, _NEW], [], _NEW, is_resent=True),
    "known in part": Case([_BASE], [_NEW], [*_NEW[::2], *MORE]),
}
