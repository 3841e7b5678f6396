"""The examples in documents: fenced blocks with what they are written in."""

import re
from typing import Final, NamedTuple

from tests.tools import PROJECT

_FENCED: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def examples_in(document: str) -> list[Example]:
    """Return a document's examples, in order."""
    return [Example(*found) for found in _FENCED.findall((PROJECT / document).read_text())]
