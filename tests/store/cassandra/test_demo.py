"""The demo on a real node."""

import asyncio
import sys

from tests.cassandra_nodes import CassandraNodes


async def test_the_demo_runs_on_cassandra(cassandra: CassandraNodes) -> None:
    """It makes its keyspace and its app, sends its traffic, and shows the reports."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "eventmanager", "demo", "--store", cassandra.address("demo"), "--events", "500", "--seconds", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, complaints = await asyncio.wait_for(demo.communicate(), 60)

    assert (0, b"") == (demo.returncode, complaints)
    for title in ("Views of each page", "Clicks on each element", "Browsers of"):
        assert title in shown.decode()
