"""Addresses of stores, as `--store` takes them, and the stores that they lead to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from eventmanager.errors import StartError
from eventmanager.store.protocol import Store
from eventmanager.store.sqlite.store import SQLiteStore

_SQLITE: Final = "sqlite:"
_MEMORY: Final = ":memory:"
_WANTED: Final = f"{_SQLITE}PATH or {_SQLITE}{_MEMORY}"


@dataclass(frozen=True, slots=True)
class SQLiteAddress:
    """Where an embedded store lies."""

    path: Path | None
    """A file, or None for memory."""


StoreAddress: TypeAlias = SQLiteAddress


def parse_store_address(text: str) -> StoreAddress:
    """Take an address apart. Raises StartError where it is not one."""
    if not text.startswith(_SQLITE):
        raise StartError(f"--store is {text!r}, but must be {_WANTED}.")
    path = text.removeprefix(_SQLITE)
    if path == _MEMORY:
        return SQLiteAddress(None)
    if not path or path.startswith("//") or "\0" in path:
        raise StartError(
            f"--store is {text!r}, which names no file, but must be {_WANTED}, such as {_SQLITE}/var/lib/events.db."
        )
    return SQLiteAddress(Path(path))


async def open_store(text: str) -> Store:
    """Open the store at an address. Raises StartError where there is none, or it cannot be opened."""
    address = parse_store_address(text)
    return await SQLiteStore.open(address.path)
