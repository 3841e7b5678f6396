"""Durations that are encoded again and again while they grow: what has not changed since is not encoded anew.

A ledger's rows are written with every commit that adds to them. A popular page has a hundred buckets and more, of which
a small commit changes a few.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final, Self

from eventmanager.durations import Durations, bucket_of, varint

_FEW_BUCKETS: Final = 64
"""As many are always encoded anew, which takes some 10 µs: most rows have few, and pieces would take their memory."""
_PART_THAT_PAYS: Final = 1 / 3
"""Where more of the buckets may have changed, all are encoded anew: one by one takes three times as long."""


class GrowingDurations(Durations):
    """As Durations, and encoded as they are. May take three times the memory."""

    __slots__ = ("_encoded_count", "_pieces")

    def __init__(self) -> None:
        super().__init__()
        self._encoded_count = 0
        """How many durations there were when they were last encoded."""
        self._pieces: _Pieces | None = None

    def add(self, elapsed_ms: Iterable[int]) -> None:
        """As Durations.add."""
        if self._pieces is not None:
            elapsed_ms = list(elapsed_ms)
            self._pieces.changed.update(map(bucket_of, elapsed_ms))
        super().add(elapsed_ms)

    def merge(self, other: Self) -> None:
        """As Durations.merge."""
        self._pieces = None
        super().merge(other)

    def encode(self) -> bytes:
        """As Durations.encode."""
        added = self.count - self._encoded_count
        self._encoded_count = self.count
        if len(self.buckets) <= _FEW_BUCKETS or added > len(self.buckets) * _PART_THAT_PAYS:
            return super().encode()
        if self._pieces is None:
            self._pieces = _Pieces(self.buckets)
        return varint(self.squares_ms2) + self._pieces.join(self.buckets)


class _Pieces:
    """What each bucket adds to the encoding."""

    __slots__ = ("_encoded", "_order", "changed")

    def __init__(self, buckets: Iterable[int]) -> None:
        self._order: list[int] = []
        self._encoded: list[bytes] = []
        """For each of `_order` its distance from the one before, and its hits."""
        self.changed = set(buckets)
        """Those whose piece is out of date or missing."""

    def join(self, buckets: Mapping[int, int]) -> bytes:
        """Return all pieces in their order, given the hits of each bucket."""
        for bucket in sorted(self.changed):
            self._renew(bucket, buckets)
        self.changed.clear()
        return b"".join(self._encoded)

    def _renew(self, bucket: int, buckets: Mapping[int, int]) -> None:
        order = self._order
        encoded = self._encoded
        at = bisect_left(order, bucket)
        if at == len(order):
            order.append(bucket)
            encoded.append(b"")
        elif order[at] != bucket:
            order.insert(at, bucket)
            encoded.insert(at, b"")
            after = order[at + 1]
            encoded[at + 1] = varint(after - bucket) + varint(buckets[after])
        encoded[at] = varint(bucket - order[at - 1] if at else bucket) + varint(buckets[bucket])
