"""What visitors are counted under."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from eventmanager.facts import Key


@dataclass(frozen=True, slots=True)
class CountedBy:
    """Leads from a row of a set, without its visitor, to all that the visitor counts under."""

    name: str
    """Tells it from others, so that counts can be kept."""
    keys_of: Callable[[Key], Sequence[Key]]


BY_COLUMNS: Final = CountedBy("columns", lambda columns: (columns,))
"""Under the columns themselves."""
BY_ALL: Final = CountedBy("all", lambda _: ((),))
"""Under one key, however often a visitor comes."""
