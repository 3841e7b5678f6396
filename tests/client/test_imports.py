"""What a user of the client loads."""

import subprocess
import sys


def test_the_client_loads_nothing_of_the_server() -> None:
    """Importing the client loads its own modules, the errors and the contract, and no store or command line."""
    program = "import sys, eventmanager.client; print(*sorted(n for n in sys.modules if n.startswith('eventmanager')))"
    loaded = subprocess.run(  # In a process that has loaded nothing yet.
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()

    expected = [
        "eventmanager",
        "eventmanager.client",
        "eventmanager.client.channel",
        "eventmanager.client.errors",
        "eventmanager.client.limits",
        "eventmanager.client.retries",
        "eventmanager.client.sender",
        "eventmanager.errors",
    ]

    assert expected == loaded
