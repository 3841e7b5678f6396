"""Requests that can be sent for as long as it takes: every round of them has other visitors and other events.

Drawing events takes longer than storing them. So those of a pool are sent again and again, with the round's number in
the place of the first half of every visitor's name and the first part of every event's id.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

# What `traffic` draws: a UUID, of which 122 bits are random, and a visitor of 64 random bits and a number.
_NAMES: Final = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{8}\.[0-9])")
_DIGITS: Final = 8


class RenewedRequests:
    """Serialized requests, and what is to be changed in each. The first round, 0, is of the requests as they are."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self._places: list[array[int]] = []

    def rounds(self, first: int, count: int, place: int, places: int) -> Iterator[bytes]:
        """Return the requests of some rounds: those of one connection of so many."""
        if first + count > 1 and not self._places:
            self._places = [array("I", (name.start() for name in _NAMES.finditer(one))) for one in self._requests]
        for number in range(first, first + count):
            for position in range(place, len(self._requests), places):
                yield self._renewed(position, number) if number else self._requests[position]

    def _renewed(self, position: int, number: int) -> bytes:
        renewed = bytearray(self._requests[position])
        digits = b"%08x" % number
        for start in self._places[position]:
            renewed[start : start + _DIGITS] = digits
        return bytes(renewed)
