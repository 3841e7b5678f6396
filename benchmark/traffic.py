"""Events as a large shop has them, drawn from a seed.

A visitor has 20 events on average, in no order that would help: each event is a random visitor's. Pages, buttons and
the elements clicked come up in proportion to 1/n (Zipf's law). The four kinds are as frequent, times are log-normal.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    UrlChange,
)

from benchmark.expected import Expected

EVENTS_A_VISITOR: Final = 20
STAGES: Final = 10

_PAGES: Final = [f"https://shop.example/products/{number}" for number in range(1, 501)]
_TARGETS: Final = [f"//*[@id='part-{number}']/button" for number in range(1, 51)]
_BUTTONS: Final = [f"/html/body/main/div[{number}]/button" for number in range(1, 51)]
_LIKE_GECKO: Final = "(KHTML, like Gecko)"
_CHROME: Final = f"AppleWebKit/537.36 {_LIKE_GECKO}"
_SAFARI: Final = f"AppleWebKit/605.1.15 {_LIKE_GECKO}"
_USER_AGENTS: Final = [
    f"Mozilla/5.0 ({agent}"
    for number in range(3)
    for agent in (
        f"Windows NT 10.0; Win64; x64) {_CHROME} Chrome/{140 + number}.0.0.0 Safari/537.36",
        f"Windows NT 10.0; Win64; x64) {_CHROME} Chrome/{140 + number}.0.0.0 Safari/537.36 Edg/{140 + number}.0.0.0",
        f"Macintosh; Intel Mac OS X 10_15_7) {_CHROME} Chrome/{140 + number}.0.0.0 Safari/537.36",
        f"Linux; Android 10; K) {_CHROME} Chrome/{140 + number}.0.0.0 Mobile Safari/537.36",
        f"Linux; Android 10; K) {_CHROME} SamsungBrowser/{27 + number}.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        f"Windows NT 10.0; Win64; x64; rv:{142 + number}.0) Gecko/20100101 Firefox/{142 + number}.0",
        f"X11; Linux x86_64; rv:{142 + number}.0) Gecko/20100101 Firefox/{142 + number}.0",
        f"Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/18.{number} Safari/605.1.15",
        f"iPhone; CPU iPhone OS 18_{number} like Mac OS X) {_SAFARI} Version/18.{number} Mobile/15E148 Safari/604.1",
        f"iPad; CPU OS 18_{number} like Mac OS X) {_SAFARI} Version/18.{number} Mobile/15E148 Safari/604.1",
    )
]
_CLICKED_HOVERS: Final = 0.3
_MEDIAN_TIME_LOG_MS: Final = 8.0  # 3 s.
_LONGEST_HOVER_MS: Final = 5_000


class Hours(NamedTuple):
    """When events happen: evenly over some seconds from a time in seconds since 1970 on."""

    start_s: int
    seconds: int


class Traffic:
    """Some events; the same for the same arguments. Of another seed all visitors and ids are others."""

    def __init__(self, seed: int, count: int, hours: Hours) -> None:
        self._draw = random.Random(seed)
        self._count = count
        self._hours = hours
        visitor_count = max(1, count // EVENTS_A_VISITOR)
        self.visitors = [f"{self._draw.getrandbits(64):016x}.{number}" for number in range(visitor_count)]
        self._agents = self._draw.choices(_USER_AGENTS, k=visitor_count)
        self._ranks = {
            size: list(accumulate(1 / rank for rank in range(1, size + 1))) for size in (len(_PAGES), len(_BUTTONS))
        }
        self._drawn = [0, 0, 0, 0]
        self._seen: set[str] = set()
        self._entered: set[tuple[int, str]] = set()

    @property
    def expected(self) -> Expected:
        """What reports must say about the events drawn so far."""
        clicks, url_changes, btn_times, funnel_changes = self._drawn
        return Expected(clicks, url_changes, btn_times, funnel_changes, len(self._seen), len(self._entered))

    def __iter__(self) -> Iterator[Event]:
        """Draw the events, oldest first."""
        draw = self._draw
        kinds = (self._click, self._url_change, self._btn_time, self._funnel_change)
        for number in range(self._count):
            place = draw.randrange(len(self.visitors))
            visitor = self.visitors[place]
            kind = draw.randrange(len(kinds))  # In the order of Expected's fields.
            event = kinds[kind]()
            event.event_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            event.device_id = visitor
            event.user_agent = self._agents[place]
            event.timestamp.seconds = self._hours.start_s + number * self._hours.seconds // self._count
            event.timestamp.nanos = draw.randrange(1_000) * 1_000_000
            self._drawn[kind] += 1
            self._seen.add(visitor)
            if event.HasField("funnel_change"):
                self._entered.add((event.funnel_change.entered, visitor))
            yield event

    def _click(self) -> Event:
        click = Click(current_url=self._common(_PAGES), target=self._common(_TARGETS))
        click.elapsed_time.FromMilliseconds(self._time_ms())
        return Event(click=click)

    def _url_change(self) -> Event:
        change = UrlChange(from_url=self._common(_PAGES), to_url=self._common(_PAGES))
        change.elapsed_time.FromMilliseconds(self._time_ms())
        return Event(url_change=change)

    def _btn_time(self) -> Event:
        is_clicked = self._draw.random() < _CLICKED_HOVERS
        hover = BtnTime(
            target=self._common(_BUTTONS),
            action=BTN_ACTION_HOVER_THEN_CLICKED if is_clicked else BTN_ACTION_HOVER_THEN_LEAVE,
        )
        hover.elapsed_time.FromMilliseconds(self._time_ms() % _LONGEST_HOVER_MS)
        return Event(btn_time=hover)

    def _funnel_change(self) -> Event:
        change = FunnelChange(action=FUNNEL_ACTION_ON_CLICK, entered=self._draw.randrange(STAGES))
        change.elapsed_time.FromMilliseconds(self._time_ms())
        return Event(funnel_change=change)

    def _common(self, texts: Sequence[str]) -> str:
        return self._draw.choices(texts, cum_weights=self._ranks[len(texts)])[0]

    def _time_ms(self) -> int:
        return int(self._draw.lognormvariate(_MEDIAN_TIME_LOG_MS, 1))
