"""The machine that is measured on, and how busy others keep it."""

import importlib.metadata
import os
import platform
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

import eventmanager

_CPU_INFO: Final = Path("/proc/cpuinfo")
_QUIET_LOAD: Final = 0.3
_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What figures depend on."""

    time: str
    version: str
    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    grpc: str
    protobuf: str
    sqlite: str
    load: float
    """Processes that wanted a core in the minute before, on average."""

    @property
    def is_busy(self) -> bool:
        """Whether others were at work, so that figures are too low."""
        return self.load > _QUIET_LOAD * self.cores


def look_at_machine() -> Machine:
    """Return what there is."""
    return Machine(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        version=eventmanager.__version__,
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / _GIB, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        grpc=importlib.metadata.version("grpcio"),
        protobuf=importlib.metadata.version("protobuf"),
        sqlite=sqlite3.sqlite_version,
        load=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    text = _CPU_INFO.read_text() if _CPU_INFO.exists() else ""
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()
