"""`eventmanager audit`: what it shows."""

import json

import grpc

from eventmanager.server import Server
from tests.cli.conftest import NO_APP, Typed, TypeIn
from tests.reports.visits import entered, ingest, send


async def test_what_was_found_is_shown_day_by_day(server: Server, type_in: TypeIn) -> None:
    """One line for each day, oldest first; as JSON for programs."""
    event = entered("u1", 1)
    event.event_id = "1"
    async with grpc.aio.insecure_channel(server.address) as channel:
        await send(channel, "shop", [event, entered("u1", 2), entered("u2", 1, "2026-06-16T10:00")])
        await ingest(channel, "shop", [event])
    days = ("audit", "shop", "--from", "2026-06-15", "--target", server.address)

    typed = await type_in(*days)
    as_json = json.loads((await type_in(*days, "--json")).out)

    expected = """\
Date         Events   Copies   Live figures that differed   Audited
───────────────────────────────────────────────────────────────────
2026-06-15        0        0                            0   yes
2026-06-16        1        0                            0   yes
2026-06-17        2        1                            0   yes
"""

    assert Typed(0, expected, "") == typed
    assert {
        "date": "2026-06-17",
        "events": "2",
        "duplicateEvents": "1",
        "differingFigures": "0",
        "audited": True,
    } == as_json[-1]


async def test_an_unknown_app_is_told_in_a_sentence(server: Server, type_in: TypeIn) -> None:
    """As the server says it."""
    typed = await type_in("audit", "nowhere", "--target", server.address)

    assert Typed(1, "", f"Error: {NO_APP}\n") == typed
