"""Freed memory is kept for what comes next, in a process that is told so."""

import platform
import subprocess
import sys

import pytest

_TAKE_AND_FREE = """
import resource, sys
from eventmanager.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
largest = bytes(8 << 20)
del largest
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    some = [bytearray(8 << 20) for _ in range(2)]
    del some
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
_PAGES = 20 * 2 * (8 << 20) // 4096


def _pages_had_anew(which: str) -> int:
    command = [sys.executable, "-c", _TAKE_AND_FREE, which]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries cannot be told what to keep")
def test_what_is_freed_and_needed_again_is_not_had_from_the_system_each_time() -> None:
    assert _pages_had_anew("given back") > _PAGES / 2
    assert _pages_had_anew("kept") < _PAGES / 5
