"""Visitors as the live tables name them, united."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from eventmanager.facts import Key
from eventmanager.reports.counted_by import CountedBy
from eventmanager.store.protocol import Members
from eventmanager.visitor_hashes import VisitorHashes

_KEYS_WITH_BITS: Final = 60


class LiveVisitors:
    """Some visitors and what each counts under.

    Keeps one small number for a visitor, whose bits stand for keys: a third of what sets would take. Keys beyond the
    first 60 get no bit, or the numbers would grow with the keys.
    """

    def __init__(self, by: CountedBy) -> None:
        self._by = by
        self._keys: list[Key] = []
        self._bits: dict[Key, int] = {}
        self._bits_of: dict[str, int] = {}
        self._others: defaultdict[Key, set[str]] = defaultdict(set)

    def add(self, page: Sequence[Members]) -> None:
        """Add visitors."""
        bits_of = self._bits_of
        known = bits_of.get
        for columns, device_ids in page:
            bits, others = self._places_of(columns)
            for device_id in device_ids:
                bits_of[device_id] = known(device_id, 0) | bits
            for visitors in others:
                visitors.update(device_ids)

    def counts(self) -> Mapping[Key, int]:
        """Count the visitors under each key."""
        counts = Counter({key: len(visitors) for key, visitors in self._others.items()})
        for bits, visitors in Counter(self._bits_of.values()).items():
            for key in self._keys_of(bits):
                counts[key] += visitors
        return counts

    def hashes(self, hashes: VisitorHashes) -> Mapping[Key, set[int]]:
        """Return the visitors' hashes under each key."""
        by_bit: dict[int, set[int]] = {1 << place: set() for place in range(len(self._keys))}
        for visitor, bits in zip(hashes.of(self._bits_of), self._bits_of.values(), strict=True):
            while bits:
                lowest = bits & -bits
                by_bit[lowest].add(visitor)
                bits ^= lowest
        by_key = dict(zip(self._keys, by_bit.values(), strict=True))
        return by_key | {key: set(hashes.of(visitors)) for key, visitors in self._others.items()}

    def _places_of(self, columns: Key) -> tuple[int, Sequence[set[str]]]:
        """Return the bits of a row's keys, and the sets of visitors of those without."""
        bits = 0
        others = []
        for key in self._by.keys_of(columns):
            bit = self._bits.get(key)
            if bit is None:
                bit = self._bits[key] = 1 << len(self._keys) if len(self._keys) < _KEYS_WITH_BITS else 0
                if bit:
                    self._keys.append(key)
            bits |= bit
            if not bit:
                others.append(self._others[key])
        return bits, others

    def _keys_of(self, bits: int) -> Sequence[Key]:
        return [key for place, key in enumerate(self._keys) if bits >> place & 1]
