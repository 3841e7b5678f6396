"""Addresses of stores, as `--store` takes them."""

from pathlib import Path

import pytest

from eventmanager.errors import StartError
from eventmanager.store.address import SQLiteAddress, open_store, parse_store_address
from eventmanager.store.cassandra.address import CassandraAddress


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:events.db", Path("events.db")),
        ("sqlite:/var/lib/event manager/events.db", Path("/var/lib/event manager/events.db")),
        ("sqlite:a?b#c%20d.db", Path("a?b#c%20d.db")),
        ("sqlite::memory:", None),
    ],
)
def test_files_and_memory(text: str, path: Path | None) -> None:
    """What follows the colon is a path as it stands."""
    assert SQLiteAddress(path) == parse_store_address(text)


def test_a_keyspace() -> None:
    """What begins with `cassandra://` is left to Cassandra."""
    assert isinstance(parse_store_address("cassandra://localhost/events"), CassandraAddress)


@pytest.mark.parametrize(
    "text", ["", "events.db", "sqlite", "sqlite3:events.db", "SQLITE:events.db", "postgres://localhost/events"]
)
def test_other_stores(text: str) -> None:
    """They are refused, by the value and what is wanted instead."""
    with pytest.raises(StartError) as refused:
        parse_store_address(text)

    assert f"--store is {text!r}, but must be sqlite:PATH, sqlite::memory: or cassandra://HOST/KEYSPACE." == str(
        refused.value
    )


@pytest.mark.parametrize("text", ["sqlite:", "sqlite:///var/lib/events.db", "sqlite://host/events.db", "sqlite:a\0b"])
def test_no_file(text: str) -> None:
    """A path must be there, and no URL of another program's making."""
    with pytest.raises(StartError, match="which names no file") as refused:
        parse_store_address(text)

    assert f"--store is {text!r}, " in str(refused.value)


async def test_names_that_mean_something_to_sqlite(tmp_path: Path) -> None:
    """They are names of files like others, for the writer and for those who read beside it."""
    path = tmp_path / "file:a?mode=memory#b%00'\".db"
    store = await open_store(f"sqlite:{path}")
    apps = await store.list_apps("", 1)
    await store.close()

    assert [] == list(apps)
    assert path.is_file()
