"""The command line, typed in."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import pytest

from eventmanager.cli import main

NO_APP: Final = "There is no app 'nowhere'. Make it with AdminService.CreateApp or `eventmanager apps create`."


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a command."""

    status: int
    out: str
    err: str


TypeIn: TypeAlias = Callable[..., Awaitable[Typed]]
"""Runs `eventmanager` with some arguments, beside the test's own server, in a terminal 100 columns wide."""


@pytest.fixture
def type_in(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> TypeIn:
    for name in [name for name in os.environ if name.startswith("EVENTMANAGER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")

    async def typed(*arguments: str) -> Typed:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            # A thread, because a command runs a loop of its own.
            await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        # rich fills lines up to their end.
        out = "\n".join(line.rstrip() for line in said.out.split("\n"))
        return Typed(end.value.code, out, said.err)

    return typed
