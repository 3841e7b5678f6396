"""What reports keep from one question to the next: the least lately used goes where it takes more than a bound.

What holds for some state of a day is kept under a name that has the day's marks in it, and these never become again
what they were. So nothing kept can be out of date, and nothing needs to be told when events come.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

MOST_KEPT_BYTES: Final = 128 << 20
"""Some 60 reports of a month of 200,000 events a day."""
_ENTRY_BYTES: Final = 500
"""About what a name and its place take."""


class Kept:
    """Values by name. Belongs to one event loop."""

    def __init__(self, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.size_bytes = 0
        """About the memory that all of it takes: at most the bound."""

    def get(self, name: Hashable) -> Any:
        """Return a value, or None where it is not there, or no more."""
        entry = self._values.get(name)
        if entry is None:
            return None
        self._values.move_to_end(name)
        return entry[0]

    def keep(self, name: Hashable, value: object, size_bytes: int = 0) -> None:
        """Keep a value, in the place of the one that has its name, unless it is too large by itself."""
        _, replaced_bytes = self._values.pop(name, (None, 0))
        self.size_bytes -= replaced_bytes
        size_bytes += _ENTRY_BYTES
        if size_bytes > self._most_bytes:
            return
        self._values[name] = value, size_bytes
        self.size_bytes += size_bytes
        while self.size_bytes > self._most_bytes:
            _, (_, gone_bytes) = self._values.popitem(last=False)
            self.size_bytes -= gone_bytes
