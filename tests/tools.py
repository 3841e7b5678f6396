"""Programs that some tests run, and what is done where one is missing."""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = Path(__file__).parent.parent
_PLACES: Final = (Path(sys.executable).parent, PROJECT / ".cache" / "bin", Path.home() / "go" / "bin")


def search_path() -> str:
    """Return a PATH that has the environment's own programs first."""
    return os.pathsep.join([*map(str, _PLACES), os.environ.get("PATH", "")])


def require(program: str, how_to_get_it: str) -> None:
    """Skip the test where a program is missing, saying how to get it; with CI set, fail it."""
    if shutil.which(program, path=search_path()):
        return
    reason = f"{program} IS MISSING, so this was NOT tested. Get it: {how_to_get_it}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
