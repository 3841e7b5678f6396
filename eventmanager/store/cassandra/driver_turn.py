"""Lets the driver's own thread send what it was handed, before the event loop's thread goes on computing.

To send it needs the interpreter's lock, which a thread that computes lets go of after 5 ms. Meanwhile the node would
have nothing to do.
"""

import asyncio
import time
from typing import Final

_TURNS: Final = 4
"""So many turns of the event loop it takes until rows that are to be written are with the driver."""
_PAUSE_S: Final = 0.0002
"""What a thread needs to wake up and to send a few hundred kilobytes."""


async def let_driver_send() -> None:
    """Return once statements whose execution was begun are on their way."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    time.sleep(_PAUSE_S)  # noqa: ASYNC251 - nothing else lets go of the lock for long enough, and it is less than waits.
