"""The command line: what people type, and what they read."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 for done, 1 for failed, 2 for a wrong use, 130 for interrupted."""
    from eventmanager.cli.application import run

    sys.exit(run(arguments))
