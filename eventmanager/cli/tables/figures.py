"""Figures as people read them: in a fixed number of places, or as bars."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.duration_pb2 import Duration
from live.eventmanager.v1.analytics_service_pb2 import DurationStats
from rich.bar import Bar
from rich.text import Text

_LEVELS: Final = "▁▂▃▄▅▆▇█"
NOTHING: Final = "–"


def plain(text: str) -> Text:
    """Show a text that anyone may have sent as it is: neither rich nor the terminal takes orders from it."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))


def number(value: int) -> str:
    """Write a whole number with its thousands apart."""
    return f"{value:,}"


def percent(share: float) -> str:
    """Write a share from 0 to 1."""
    return f"{share * 100:.1f} %"


def seconds_of(duration: Duration) -> float:
    """Return a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def time_span(duration: Duration) -> str:
    """Write a duration in the unit that suits its length."""
    seconds = seconds_of(duration)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def average_median_p90(stats: DurationStats) -> tuple[str, str, str]:
    """Write what sums up durations, of which there may be none."""
    if not stats.count:
        return NOTHING, NOTHING, NOTHING
    return time_span(stats.average), time_span(stats.median), time_span(stats.p90)


def bar(value: float, most: float, style: str = "cyan") -> Bar:
    """Draw a value as a part of the longest one's bar."""
    return Bar(max(most, 1e-9), 0, value, color=style)


def levels(values: Sequence[float], most: float | None = None) -> str:
    """Draw values as a row of small columns, one character each."""
    highest = max(values, default=0) if most is None else most
    if highest <= 0:
        return " " * len(values)
    return "".join(_LEVELS[min(7, int(value / highest * 8))] if value > 0 else " " for value in values)
