"""Sets of visitors, as sorted 64-bit hashes: eight bytes for each."""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from eventmanager.facts import Key

Hashes: TypeAlias = "array[int]"

_HASH_VALUES: Final = 1 << 64
_HEAPS: Final = 64
_FEW: Final = 50_000
_STEP: Final = 100_000


class VisitorSets:
    """The visitors under each key of a table."""

    def __init__(self) -> None:
        self.by_key: defaultdict[Key, Hashes] = defaultdict(new_hashes)
        self._is_tidy = False

    def __len__(self) -> int:
        return sum(map(len, self.by_key.values()))

    def tidy(self) -> Iterator[None]:
        """Sort them and keep each once under its key, a step at a time."""
        if self._is_tidy:
            return
        sorted_hashes = 0
        for key, hashes in self.by_key.items():
            self.by_key[key] = distinct(hashes)
            sorted_hashes += len(hashes)
            if sorted_hashes > _STEP:
                sorted_hashes = 0
                yield
        self._is_tidy = True

    def merge(self, others: "VisitorSets") -> None:
        """Add visitors of whom none is here yet."""
        self._is_tidy = False
        for key, hashes in others.by_key.items():
            self.by_key[key].extend(hashes)

    def everyone(self) -> int:
        """Count the visitors, each once under all keys together."""
        together = new_hashes()
        for hashes in self.by_key.values():
            together.extend(hashes)
        return len(distinct(together))

    def slice(self, number: int, of: int) -> Mapping[Key, Hashes]:
        """Return one of so many slices of them, once they are tidy: those whose hashes lie in a range of all hashes."""
        first, end = (_HASH_VALUES * place // of for place in (number, number + 1))
        slices = {
            key: hashes[bisect_left(hashes, first) : bisect_left(hashes, end)] for key, hashes in self.by_key.items()
        }
        return {key: hashes for key, hashes in slices.items() if hashes}


def new_hashes() -> Hashes:
    """Return no hashes, to which some may be added."""
    return array("Q")


def distinct(hashes: Hashes) -> Hashes:
    """Sort hashes and keep each once, few at a time: as objects of Python's they take ten times the memory."""
    if len(hashes) <= _FEW:
        return array("Q", sorted(set(hashes)))
    heaps = [new_hashes() for _ in range(_HEAPS)]
    for one in hashes:
        heaps[one >> 58].append(one)
    found = new_hashes()
    for heap in heaps:
        found.extend(array("Q", sorted(set(heap))))
    return found
