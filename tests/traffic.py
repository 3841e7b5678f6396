"""Traffic to test with: requests of every kind, drawn at random, each event with the refusal that must come of it."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from live.eventmanager.v1.admin_service_pb2 import App, Stage
from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    FUNNEL_ACTION_ON_URL_CHANGE,
    BtnTime,
    Click,
    Event,
    FunnelChange,
    Platform,
    UrlChange,
)

from tests.faults import FAULTS
from tests.recount.acknowledged import SentEvent
from tests.recount.days import DAY, date_of, minutes_of
from tests.recount.durations import duration_of

Date = datetime.date
_DAYS: Final = 9
_TWIN_SHIFT_S: Final = 10 * 86_400
_RETENTION_DAYS: Final = 25


@dataclass(frozen=True, slots=True)
class Season:
    """A time to be at, and zones in which the days before it are worth a look."""

    now: datetime.datetime
    zones: Sequence[str]

    @property
    def now_s(self) -> int:
        """Seconds since 1970."""
        return int(self.now.timestamp())


SEASONS: Final = (
    # Days of 23 hours, of 25, of 24.5, and one without a midnight.
    Season(
        datetime.datetime(2026, 4, 6, 12, tzinfo=datetime.UTC),
        ("UTC", "Europe/Vienna", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Kathmandu"),
    ),
    # The clock goes back from midnight, and over it.
    Season(datetime.datetime(2025, 11, 3, 3, tzinfo=datetime.UTC), ("America/New_York", "America/Havana")),
    Season(datetime.datetime(2010, 11, 8, 12, tzinfo=datetime.UTC), ("America/St_Johns",)),
    # No 30 December 2011.
    Season(datetime.datetime(2012, 1, 2, 12, tzinfo=datetime.UTC), ("Pacific/Apia", "UTC")),
)

USER_AGENTS: Final = {
    "": Platform(),
    "no browser at all": Platform(),
    "curl/8.5.0": Platform(browser="curl"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": (
        Platform(browser="Chrome", os="Windows", device="desktop")
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": (
        Platform(browser="Firefox", os="Linux", device="desktop")
    ),
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1": Platform(browser="Mobile Safari", os="iOS", device="tablet"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1": Platform(browser="Mobile Safari", os="iOS", device="mobile"),
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
    "Safari/537.36": Platform(browser="Chrome Mobile", os="Android", device="mobile"),
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36": Platform(browser="Chrome", os="Android", device="tablet"),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": (
        Platform(browser="Googlebot", device="bot")
    ),
}
"""What each User-Agent tells, read by a person."""

_PAGES = ("/home", "/products", "/products?page=2", "/home#top?x", "https://shop.example/cart?item=1#a", "/π/😀", "/\0")
_TARGETS = ("div/button", "buy", "//a[@href='x']", '"quoted"; --', "Ünïcode\0", "x" * 1_024)
_DEVICES = ("10.0.0.{}", "2001:db8::{}", "кто-то {}", "😀" * 120 + "{}")
_TIMES_NS = (0, 1, 999_999, 1_000_000, 127_999_999, 128_000_000, 2_500_000_000, 12_345_678_901, 30 * 86_400 * 10**9)
_STAGES = (1, 2, 3, 0, 7, 2_147_483_647)
_TOLD = (Platform(browser="Firefox"), Platform(os="Windows", device="kiosk"), Platform(), Platform(device="mobile"))


@dataclass(frozen=True, slots=True)
class Sending:
    """One request."""

    app: str
    events: Sequence[SentEvent]
    is_streamed: bool
    validate_only: bool
    resent: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """Apps, and lanes of requests: the lanes run side by side, and what is in one waits for what is before it."""

    now_s: int
    apps: Sequence[App]
    lanes: Sequence[Sequence[Sending]]

    def range_of(self, app: App) -> tuple[Date, Date]:
        """Return a range of 31 days that holds all events of an app."""
        today = date_of(self.now_s, app.time_zone)
        return today - 29 * DAY, today + DAY


def draw_traffic(random: Random, season: Season, lanes: int, most_requests: int, most_events: int) -> Traffic:
    """Draw some traffic. No visitor is in two lanes, so what becomes of a lane's events is up to the lane."""
    apps = [_draw_app(random, season, number) for number in range(random.choice((1, 2, 3)))]
    return Traffic(
        season.now_s,
        apps,
        [_Lane(random, season, apps, lane).draw(most_requests, most_events) for lane in range(lanes)],
    )


def draw_events(random: Random, season: Season, app: App, number: int) -> list[Event]:
    """Draw good events of one app, no two of them one."""
    lane = _Lane(random, season, [app], 0)
    return [lane.draw_event(app) for _ in range(number)]


def _draw_app(random: Random, season: Season, number: int) -> App:
    return App(
        app=f"app-{number}",
        time_zone=random.choice(season.zones),
        shard_count=random.choice((1, 4)),
        retention_days=random.choice((0, _RETENTION_DAYS)),
        stages=random.choice(((), (Stage(stage=3, name="/pay"), Stage(stage=1, name="/home"), Stage(stage=5)))),
        keep_url_queries=random.choice((False, True)),
    )


@dataclass(slots=True)
class _Lane:
    random: Random
    season: Season
    apps: Sequence[App]
    number: int
    sent: list[SentEvent] = field(default_factory=list)
    requests: list[Sending] = field(default_factory=list)
    drawn: int = 0

    def draw(self, most_requests: int, most_events: int) -> Sequence[Sending]:
        """Draw the lane's requests."""
        for _ in range(self.random.randint(1, most_requests)):
            self.requests.append(self._request(most_events))
        return self.requests

    def _request(self, most_events: int) -> Sending:
        app = self.random.choice(self.apps)
        is_streamed = self.random.choice((False, True))
        resent = self.random.choice((False, False, True))
        if self.requests and self.random.randrange(5) == 4:
            before = self.random.choice(self.requests)
            return Sending(before.app, before.events, is_streamed, validate_only=False, resent=resent)
        events = [self._event(app) for _ in range(self.random.randint(1, most_events))]
        validate_only = not is_streamed and self.random.randrange(8) == 7
        return Sending(app.app, events, is_streamed, validate_only, resent)

    def _event(self, app: App) -> SentEvent:
        manner = self.random.randrange(12)
        if manner >= 10 and self.sent:
            return self.random.choice(self.sent)
        if manner == 9 and self.sent:
            return self._twin(self.random.choice(self.sent))
        event = self.draw_event(app)
        if manner == 8:
            return self._bad(event, app)
        sent = SentEvent(event)
        self.sent.append(sent)
        return sent

    def _twin(self, of: SentEvent) -> SentEvent:
        """Return another event under the same id, which lies on another day."""
        event = Event()
        event.CopyFrom(of.event)
        if event.timestamp.seconds > self.season.now_s - _TWIN_SHIFT_S:
            event.timestamp.seconds -= _TWIN_SHIFT_S
        return SentEvent(event)

    def _bad(self, event: Event, app: App) -> SentEvent:
        fault = self.random.choice([fault for fault in FAULTS if fault.kind in ("", event.WhichOneof("type"))])
        fault.spoil(event, self.season.now_s)
        is_mended = fault.is_mended_by_queries and app.keep_url_queries
        return SentEvent(event, None if is_mended else fault.refusal)

    def draw_event(self, app: App) -> Event:
        """Draw a good event."""
        self.drawn += 1
        kind = self.random.randrange(4)
        event = Event(
            timestamp=self._timestamp(app),
            device_id=self._device(),
            click=self._click() if kind == 0 else None,
            url_change=self._url_change() if kind == 1 else None,
            btn_time=self._btn_time() if kind == 2 else None,
            funnel_change=self._funnel_change() if kind == 3 else None,
        )
        if self.random.randrange(2):
            event.user_agent = self.random.choice(list(USER_AGENTS))
        if self.random.randrange(4) == 3:
            event.platform.CopyFrom(self.random.choice(_TOLD))
        self._name(event)
        return event

    def _name(self, event: Event) -> None:
        """Give an event an id of its own, or another visitor's, or none."""
        manner = self.random.randrange(6)
        if manner < 4:
            event.event_id = f"{self.number}-{self.drawn}"
        elif manner == 4:
            ids_of: dict[str, set[str]] = {}
            for sent in self.sent:
                ids_of.setdefault(sent.event.event_id, set()).add(sent.event.device_id)
            event.event_id = next((name for name in ids_of if event.device_id not in ids_of[name]), "")
        if not event.event_id:
            # Without an id to tell which came first, no two may come at once.
            event.timestamp.nanos = event.timestamp.nanos // 1_000_000 * 1_000_000 + 1 + self.drawn

    def _timestamp(self, app: App) -> Timestamp:
        now_s = self.season.now_s
        date = date_of(now_s, app.time_zone) - self.random.randrange(_DAYS) * DAY
        minutes = [time_s for time_s in minutes_of(date, app.time_zone) if time_s <= now_s] or [now_s]
        time_s = self.random.choice((minutes[0], minutes[-1] + 59, self.random.choice(minutes)))
        time_s += self.random.choice((0, 0, -1, 1))
        return Timestamp(seconds=min(time_s, now_s + 60), nanos=self.random.choice((0, 5_000_000, 999_000_000)))

    def _device(self) -> str:
        return self.random.choice(_DEVICES).format(self.number * 10 + self.random.randrange(2))

    def _click(self) -> Click:
        click = Click(target=self.random.choice(_TARGETS), current_url=self.random.choice(_PAGES))
        if self.random.randrange(2):
            click.elapsed_time.CopyFrom(duration_of(self.random.choice(_TIMES_NS)))
        return click

    def _url_change(self) -> UrlChange:
        change = UrlChange(from_url=self.random.choice((*_PAGES, "", "?q", "#")), to_url=self.random.choice(_PAGES))
        if self.random.randrange(4):
            change.elapsed_time.CopyFrom(duration_of(self.random.choice(_TIMES_NS)))
        return change

    def _btn_time(self) -> BtnTime:
        return BtnTime(
            target=self.random.choice(_TARGETS),
            action=self.random.choice((BTN_ACTION_HOVER_THEN_LEAVE, BTN_ACTION_HOVER_THEN_CLICKED)),
            elapsed_time=duration_of(self.random.choice(_TIMES_NS)),
        )

    def _funnel_change(self) -> FunnelChange:
        action = self.random.choice((FUNNEL_ACTION_ON_CLICK, FUNNEL_ACTION_ON_URL_CHANGE))
        change = FunnelChange(action=action, entered=self.random.choice(_STAGES))
        if self.random.randrange(3) == 2:
            change.left = self.random.choice(_STAGES)
        if self.random.randrange(4):
            change.elapsed_time.CopyFrom(duration_of(self.random.choice(_TIMES_NS)))
        return change
