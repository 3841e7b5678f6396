"""`generated/` is what the contract makes, byte for byte."""

import filecmp
import os
import subprocess
import sys
from pathlib import Path

from tests.tools import PROJECT

GENERATED = PROJECT / "generated"


def test_generating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    """What is committed is what the generator makes of the .proto files, no file more and none less."""
    made = subprocess.run(
        [PROJECT / "scripts" / "generate", tmp_path],
        check=False,
        capture_output=True,
        text=True,
        # The environment that runs the tests, whatever its place.
        env=os.environ | {"EVENTMANAGER_VENV": sys.prefix},
    )
    again, committed = (
        sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if is_made(file))
        for folder in (tmp_path, GENERATED)
    )

    assert (0, "") == (made.returncode, made.stderr)
    assert committed == again
    assert ([], []) == filecmp.cmpfiles(GENERATED, tmp_path, committed, shallow=False)[1:]


def is_made(path: Path) -> bool:
    """Tell what the generator makes from what Python caches."""
    return path.is_file() and path.suffix != ".pyc"
