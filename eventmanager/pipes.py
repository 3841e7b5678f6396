"""What a process writes to the one that started it."""

import sys
from typing import BinaryIO


def output() -> BinaryIO:
    """Return a standard output that writes all it is given.

    `sys.stdout.buffer` does not where PYTHONUNBUFFERED is set, as it often is in containers: it then hands on what the
    system took at once, and that is a part where a process is stopped meanwhile and goes on.
    """
    return open(sys.stdout.fileno(), "wb", closefd=False)
