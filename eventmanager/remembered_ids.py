"""Which ids came lately: the last so many, and some before them."""

from collections import deque
from collections.abc import Set
from typing import Final

_GENERATIONS: Final = 2
"""So many together have the ids that must be remembered. Each is looked through for every id, and goes as a whole. One
by one, an id costs as much to forget as to remember, and a set that forgets is made anew now and then: 50 ms for a
million.
"""


class RememberedIds:
    """Hashes of ids, by generations."""

    def __init__(self, least: int) -> None:
        """Remember the last `least` ids, and up to half as many before them."""
        self._least = least
        self._generation_ids = least // _GENERATIONS
        self._generations: deque[set[int]] = deque([set()])
        """The oldest first."""
        self._count = 0

    def __contains__(self, key: int) -> bool:
        return any(key in generation for generation in self._generations)

    def isdisjoint(self, keys: Set[int]) -> bool:
        """Tell whether none of some ids is remembered."""
        return all(generation.isdisjoint(keys) for generation in self._generations)

    def add(self, keys: Set[int]) -> None:
        """Remember ids that were not."""
        generations = self._generations
        if len(generations[-1]) + len(keys) > self._generation_ids:
            generations.append(set())
        generations[-1].update(keys)
        self._count += len(keys)
        while len(generations) > 1 and self._count - len(generations[0]) >= self._least:
            self._count -= len(generations.popleft())
