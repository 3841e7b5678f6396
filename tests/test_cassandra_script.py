"""scripts/cassandra says what is wrong with how it was called. That it runs nodes, the tests of the store need."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

_SCRIPT: Final = Path(__file__).parents[1] / "scripts" / "cassandra"
_WRONG_USE: Final = 2


def refusal(*arguments: str, heap: str = "384M") -> str:
    """Return what the script says to wrong arguments."""
    called = subprocess.run(
        [_SCRIPT, *arguments], env={**os.environ, "CASSANDRA_HEAP": heap}, capture_output=True, text=True, check=False
    )

    assert (_WRONG_USE, "") == (called.returncode, called.stdout)
    return called.stderr.strip()


@pytest.mark.parametrize("heap", ["0M", "12", "100M", "5T", "1M2G", "-5G", "much"])
def test_a_heap_that_is_none(heap: str) -> None:
    """The one that was given is named."""
    expected = f"scripts/cassandra: CASSANDRA_HEAP is 256M or more, in M or G, such as 2G, not {heap}"

    assert expected == refusal("status", heap=heap)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nodes", "4"), "--nodes takes 1, 2 or 3, not 4"),
        (("--sync", "never"), "--sync takes batch or periodic, not never"),
        (("--network", "10.0.0"), "--network takes three numbers of a loopback address, such as 127.0.9, not 10.0.0"),
        (("--directory",), "--directory needs a value. See scripts/cassandra --help"),
        (("--fast",), "there is no option --fast. See scripts/cassandra --help"),
    ],
)
def test_options_that_are_none(arguments: tuple[str, ...], said: str) -> None:
    """What was given is named, and what there is instead."""
    assert f"scripts/cassandra: {said}" == refusal("start", *arguments)


def test_a_command_that_is_none() -> None:
    """The usage tells which there are."""
    assert refusal("restart").startswith("Usage: scripts/cassandra")
