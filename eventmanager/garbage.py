"""When the interpreter looks for garbage: objects that refer to each other, and that nobody else refers to.

By itself it looks whenever many more objects were made than went. Here that says nothing: events in hand and facts that
wait are hundreds of thousands of small objects without a cycle among them, and to look through them takes up to 0.1 s,
in which nothing is answered. What does leave cycles behind is calls: gRPC makes one for each.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

_CALLS: Final = 200
"""Their garbage is some 1,000 objects and 0.2 MB, and is gone in 2 ms."""
_INTERVAL_S: Final = 60.0
_MOST_INTERVALS_BUSY: Final = 10
"""After so many without a rest everything is looked through all the same."""


class GarbageCollection:
    """Collects garbage in the place of the interpreter, once it has taken over."""

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        """`is_busy` tells whether some request is not yet answered."""
        self._is_busy = is_busy
        self._has_taken_over = False
        self._calls = 0

    def take_over(self) -> None:
        """From here on collect as this module says. What is there by now stays for good, and is not looked through."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._has_taken_over = True

    def note_call(self) -> None:
        """Note that a call began. After some, collect what those before them left."""
        self._calls += 1
        if self._calls >= _CALLS:
            self._calls = 0
            if self._has_taken_over:
                gc.collect(0)

    async def run(self) -> None:
        """Look through everything now and then, when nothing is to be done, until cancelled."""
        busy = 0
        while True:
            await asyncio.sleep(_INTERVAL_S)
            busy = busy + 1 if self._is_busy() else 0
            if self._has_taken_over and busy % _MOST_INTERVALS_BUSY == 0:
                gc.collect()
