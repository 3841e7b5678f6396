"""How much freed memory a process keeps for what comes next.

By itself glibc returns what is large, or at the end of its heap, to the system as soon as it is freed. A process that
takes events needs as much again some milliseconds later, and the system has to fill each page with zeros before.
"""

import ctypes
from typing import Final

_SETTINGS: Final = (
    (-8, 1),  # M_ARENA_MAX: one heap for all threads, of which one at a time can run. What one frees another takes.
    (-3, 32 << 20),  # M_MMAP_THRESHOLD: from which size on a piece is had from the system. glibc allows no more.
    (-1, 256 << 20),  # M_TRIM_THRESHOLD: as much is kept at the end of the heap.
)
"""For mallopt: https://man7.org/linux/man-pages/man3/mallopt.3.html, with the numbers that glibc's malloc.h has."""


def keep_freed_memory() -> None:
    """Have this process keep up to 256 MiB of freed memory. Does nothing where the C library cannot be told so."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for setting, value in _SETTINGS:
            mallopt(setting, value)
