"""Finds out which events of a log come more than once, in eight bytes for each."""

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeAlias

from eventmanager.events import EventRow

IdentityHash: TypeAlias = int
"""64 bits, salted for each process. Two events may share one: it tells which may be copies, never which are."""

_HEAPS: Final = 256


def identity_hashes(rows: Iterable[EventRow]) -> list[IdentityHash]:
    """Hash what tells each event from the others of its app's day."""
    return [hash((row[1], row[2])) for row in rows]


class Identities:
    """Hashes of events, each as often as it comes. Kept in heaps, so that few are taken apart at once."""

    def __init__(self) -> None:
        self._heaps = [array("q") for _ in range(_HEAPS)]

    def __len__(self) -> int:
        return sum(map(len, self._heaps))

    def add(self, hashes: Iterable[IdentityHash]) -> None:
        """Take in some more."""
        heaps = self._heaps
        for one in hashes:
            heaps[one & 255].append(one)

    def repeated(self) -> set[IdentityHash]:
        """Return those that came more than once."""
        repeated: set[IdentityHash] = set()
        for heap in self._heaps:
            if len(set(heap)) < len(heap):
                repeated.update(one for one, times in Counter(heap).items() if times > 1)
        return repeated
