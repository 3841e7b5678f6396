"""A backup made while the server runs is whole."""

import sqlite3
from pathlib import Path

from eventmanager.client import EventSender
from tests.client.test_sender import clicks
from tests.conftest import StartServer


async def test_a_copy_made_while_the_server_runs_can_be_served(start_server: StartServer, tmp_path: Path) -> None:
    """What was answered before the copy began is known to a server that is started on it."""
    server = await start_server(f"sqlite:{tmp_path / 'events.db'}")
    async with EventSender(server.address, "shop") as sender:
        await sender.send(clicks(0, 100))
        connection = sqlite3.connect(tmp_path / "events.db")
        connection.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
        connection.close()
        await sender.send(clicks(100, 100))

    restored = await start_server(f"sqlite:{tmp_path / 'backup.db'}")
    async with EventSender(restored.address, "shop") as sender:
        outcome = await sender.send(clicks(0, 100))

    assert list(range(100)) == list(outcome.duplicate_indexes)
