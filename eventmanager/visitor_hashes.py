"""Visitors as 64-bit numbers, the same in every process, so that sets of them can be kept and united."""

import hashlib
from collections.abc import Iterable
from typing import Final

_HASH_BYTES: Final = 8
_MOST_KNOWN: Final = 100_000
"""Some 20 MB."""


def hash_visitor(device_id: str) -> int:
    """Return 64 bits of BLAKE2b. Among a million visitors two share a number with a probability of 3e-8."""
    return int.from_bytes(hashlib.blake2b(device_id.encode(), digest_size=_HASH_BYTES).digest(), "big")


class VisitorHashes:
    """Hashes visitors, and remembers those of some. May be used by several threads."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, device_ids: Iterable[str]) -> list[int]:
        """Hash some visitors, in their order."""
        known = self._known
        hashes = []
        for device_id in device_ids:
            visitor = known.get(device_id)
            if visitor is None:
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                visitor = known[device_id] = hash_visitor(device_id)
            hashes.append(visitor)
        return hashes
