"""What a server is told when it starts: one frozen value, checked once."""

import ipaddress
import math
import os
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from eventmanager.zones import UnknownZoneError, Zone

SQLITE_IN_MEMORY: Final = "sqlite::memory:"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

_ADDRESS: Final = re.compile(r"(?:\[(?P<bracketed>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s]+)):(?P<port>[0-9]{1,5})")
_HIGHEST_PORT: Final = 65_535

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB


class _Range(NamedTuple):
    least: float
    most: float
    unit: str


_RANGES: Final = {
    "max_events": _Range(1, 100_000, "events"),
    # Below, one event with every text at its limit would not fit; above, gRPC's own integers end.
    "max_request_bytes": _Range(64 * _KIB, 1024 * _MIB, "bytes"),
    "max_clock_skew_s": _Range(0, 7 * 86_400, "seconds"),
    # An id takes about 200 bytes of memory.
    "remembered_ids": _Range(0, 100_000_000, "ids"),
    "max_waiting_events": _Range(1, 100_000_000, "events"),
    "grace_s": _Range(0, 3_600, "seconds"),
    "workers": _Range(1, 64, "processes"),
}


class InvalidSettingError(Exception):
    """A setting has a value that cannot be used."""

    def __init__(self, flag: str, value: object, wanted: str) -> None:
        super().__init__(f"{flag} is {value!r}, but must be {wanted}.")
        self.flag = flag
        self.value = value
        self.wanted = wanted


class Address(NamedTuple):
    """A host and a port; to listen, port 0 means one that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one server. Making one raises InvalidSettingError where a value cannot be used."""

    listen: str = "127.0.0.1:50051"
    store: str = "sqlite:eventmanager.db"
    migrate: bool = True
    allow_new_apps: bool | None = None
    new_app_time_zone: str = "UTC"
    insecure: bool = False
    max_events: int = 10_000
    max_request_bytes: int = 4 * _MIB
    max_clock_skew_s: int = 600
    remembered_ids: int = 1_000_000
    max_waiting_events: int = 200_000
    grace_s: float = 30
    workers: int = 1
    prepare_beside: bool | None = None
    log_level: str = "info"

    def __post_init__(self) -> None:
        """Check each setting, and those that depend on another."""
        for name, (least, most, unit) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise InvalidSettingError(flag_of(name), value, f"from {least:,} to {most:,} {unit}")
        if self.log_level not in LOG_LEVELS:
            raise InvalidSettingError("--log-level", self.log_level, f"one of {', '.join(LOG_LEVELS)}")
        try:
            Zone(self.new_app_time_zone)
        except UnknownZoneError:
            wanted = "an IANA time zone such as UTC or Europe/Vienna"
            raise InvalidSettingError("--new-app-time-zone", self.new_app_time_zone, wanted) from None
        if self.store == "sqlite:" or not self.store.startswith(("sqlite:", "cassandra://")):
            wanted = f"sqlite:FILE, {SQLITE_IN_MEMORY} or cassandra://HOST/KEYSPACE"
            raise InvalidSettingError("--store", self.store, wanted)
        if self.workers > 1 and not self.store.startswith("cassandra://"):
            raise InvalidSettingError("--workers", self.workers, "1 on SQLite, whose file one process writes alone")
        if self.max_waiting_events < self.max_events:
            wanted = f"at least --max-events ({self.max_events:,}), or a full request could never be taken"
            raise InvalidSettingError("--max-waiting-events", self.max_waiting_events, wanted)
        if not (self.address.is_loopback or self.insecure):
            wanted = "a loopback address such as 127.0.0.1:50051, or come with --insecure, as nothing is encrypted"
            raise InvalidSettingError("--listen", self.listen, wanted)

    @property
    def address(self) -> Address:
        """Where to listen, taken apart."""
        return parse_address("--listen", self.listen)

    @property
    def prepares_beside(self) -> bool:
        """Whether large requests are prepared in a process of their own: where not told, if a core is there for it."""
        if self.prepare_beside is not None:
            return self.prepare_beside
        return self.workers == 1 and len(os.sched_getaffinity(0)) > 1

    @property
    def new_apps_allowed(self) -> bool:
        """Whether an unknown app is made on its first event: where not told, on the embedded store only."""
        return self.store.startswith("sqlite:") if self.allow_new_apps is None else self.allow_new_apps


def parse_address(flag: str, address: str) -> Address:
    """Take `HOST:PORT` apart. Raises InvalidSettingError, naming the flag."""
    matched = _ADDRESS.fullmatch(address)
    if not matched or int(matched["port"]) > _HIGHEST_PORT:
        raise InvalidSettingError(flag, address, "HOST:PORT such as 127.0.0.1:50051 or [::1]:50051")
    return Address(matched["bracketed"] or matched["host"], int(matched["port"]))


def flag_of(name: str) -> str:
    """Return the flag that sets a field, whose unit the flag's help tells: `grace_s` is `--grace`."""
    return "--" + name.removesuffix("_s").replace("_", "-")
