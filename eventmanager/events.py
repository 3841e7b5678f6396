"""An event as the fold sees it: a plain tuple, because a class of its own would cost the hot path a third more."""

from typing import Any, Final, NamedTuple, TypeAlias

CLICK: Final = 0
URL_CHANGE: Final = 1
BTN_TIME: Final = 2
FUNNEL_CHANGE: Final = 3

NO_TIME_MS: Final = -1
"""Stands for an `elapsed_time` that was not sent."""
NO_STAGE: Final = -1
"""Stands for a `left` that was not sent."""


class Platform(NamedTuple):
    """What a visitor browses with; a part that nobody told is empty."""

    browser: str
    os: str
    device: str


EventRow: TypeAlias = tuple[int, str, str, int, int, Platform, Any, Any, int]
"""kind, device_id, event_id, time_ns, hour, platform, subject, detail, elapsed_ms.

`time_ns` counts nanoseconds since 1970, `hour` full hours since the first instant of the app's day, and `elapsed_ms`
whole milliseconds, rounded down, or NO_TIME_MS. `subject` and `detail` are, by kind:

    CLICK          current_url, target
    URL_CHANGE     to_url, from_url
    BTN_TIME       target, action (a BtnAction)
    FUNNEL_CHANGE  entered, left or NO_STAGE
"""
