"""Which files can be opened, and what is said of the others."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from eventmanager.blocks import Partition
from eventmanager.errors import StartError
from eventmanager.facts import SetTable
from eventmanager.store.sqlite.store import SQLiteStore
from tests.store.made_facts import all_members, commit, members_of
from tests.store.sqlite.other_process import open_without_rights


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "events.db"


async def refusal_of(path: Path) -> str:
    """Fail to open a file, and return what is said."""
    with pytest.raises(StartError) as refused:
        await SQLiteStore.open(path)
    return str(refused.value)


async def make(path: Path, partition: Partition) -> None:
    """Make a database with something in it."""
    store = await SQLiteStore.open(path)
    await commit(store, partition, "first", members_of(SetTable.USERS_BY_STAGE, partition, (0, "u1")))
    await store.close()


async def test_a_file_is_one_servers_alone(path: Path, tmp_path: Path) -> None:
    """Until the first lets go of it, and by whatever name the second calls it."""
    other_name = tmp_path / "other.db"
    other_name.symlink_to(path)
    first = await SQLiteStore.open(path)
    refusals = [await refusal_of(path), await refusal_of(other_name)]
    await first.close()
    await (await SQLiteStore.open(other_name)).close()

    assert refusals == [
        f"Cannot store in {name}: another server does. Stop it first, or name another file."
        for name in (path, other_name)
    ]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is not made: a slip of the pen should not begin a new database."""
    path = tmp_path / "missing" / "events.db"

    assert (
        f"Cannot store in {path}: there is no folder {tmp_path / 'missing'}. Make it, or name another."
        == await refusal_of(path)
    )
    assert not path.parent.exists()


async def test_what_is_no_file(tmp_path: Path) -> None:
    """A folder, or a device."""
    assert f"Cannot store in {tmp_path}: it is not a file. Name one." == await refusal_of(tmp_path)
    assert "Cannot store in /dev/null: it is not a file. Name one." == await refusal_of(Path("/dev/null"))


def test_a_folder_that_cannot_be_written_to(path: Path, tmp_path: Path) -> None:
    """A server needs files beside the database."""
    tmp_path.chmod(0o555)
    said = open_without_rights(path)
    tmp_path.chmod(0o755)

    assert {"refusal": f"Cannot store in {path}: cannot write {path.resolve()}.lock (Permission denied)."} == said


async def test_what_is_no_database(path: Path) -> None:
    """It is left as it is."""
    path.write_bytes(b"These are my notes, and no events at all.\n" * 100)

    assert (
        f"Cannot store in {path}: the file is not a SQLite database, or is damaged "
        "(SQLITE_NOTADB: file is not a database)." == await refusal_of(path)
    )
    assert path.read_bytes().startswith(b"These are my notes")


async def test_a_database_of_another_program(path: Path) -> None:
    """It is left as it is, down to its mode."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    before = path.read_bytes()

    assert f"{path} is a database of another program. Name another file, which will be made." == await refusal_of(path)
    assert before == path.read_bytes()


async def test_an_empty_file(path: Path, partition: Partition) -> None:
    """It is a database with nothing in it."""
    path.touch()
    await make(path, partition)

    assert path.stat().st_size > 0


async def test_a_newer_database(path: Path, partition: Partition) -> None:
    """It is left as it is."""
    await make(path, partition)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1000")

    assert (
        f"{path} was written by a newer eventmanager: its schema is number 1000, and this one knows 4. "
        "Run the newer one, or name another file." == await refusal_of(path)
    )


async def test_a_damaged_database(path: Path, partition: Partition) -> None:
    """It is not taken for a new one."""
    await make(path, partition)
    damaged = bytearray(path.read_bytes())
    damaged[100:4_096] = bytes(3_996)
    path.write_bytes(damaged)

    assert (await refusal_of(path)).startswith(f"Cannot store in {path}: the database file is damaged (SQLITE_CORRUPT")


async def test_a_read_only_file(path: Path, partition: Partition) -> None:
    """It can be read, and nothing can be stored in it."""
    await make(path, partition)
    path.chmod(0o444)

    assert {"outcomes": ["unavailable", "unavailable"], "dates": [f"{partition.date}"]} == open_without_rights(
        path, partition
    )


async def test_a_read_only_copy(path: Path, tmp_path: Path, partition: Partition) -> None:
    """One that SQLite made can be read, too."""
    await make(tmp_path / "original.db", partition)
    with closing(sqlite3.connect(tmp_path / "original.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(path),))
    path.chmod(0o444)

    assert {"outcomes": ["unavailable", "unavailable"], "dates": [f"{partition.date}"]} == open_without_rights(
        path, partition
    )


async def test_a_read_only_file_after_a_crash(path: Path, tmp_path: Path, partition: Partition) -> None:
    """Its tables lack what was committed last, so it is not read as if they did not."""
    copied = tmp_path / "crashed"
    copied.mkdir()
    store = await SQLiteStore.open(path)
    await commit(store, partition, "first", members_of(SetTable.USERS_BY_STAGE, partition, (0, "u1")))
    for name in ("events.db", "events.db-wal"):
        shutil.copy(tmp_path / name, copied)
    await store.close()
    crashed = copied / "events.db"
    crashed.chmod(0o444)
    refused = open_without_rights(crashed)
    crashed.chmod(0o644)
    store = await SQLiteStore.open(crashed)
    members = await all_members(store, SetTable.USERS_BY_STAGE, partition)
    await store.close()

    assert {
        "refusal": f"Cannot finish what an earlier server began in {crashed}: the database file is read-only "
        "(SQLITE_READONLY: attempt to write a readonly database)."
    } == refused
    assert [(0, "u1")] == members
