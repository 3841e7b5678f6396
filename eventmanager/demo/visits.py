"""How one visitor goes through the shop, drawn from a model:

* A visit begins on the home page or, three times in ten, on a product that a search engine showed.
* A visitor looks at one page or, of products, at several: product n comes up in proportion to 1/n (Zipf's law).
* The stay on a page is log-normal around the stage's median, and so is a hover over the stage's button.
* A hover of t seconds ends with a click with the probability 1 / (1 + exp(1.7 - 1.5 ln(t / m) - interest)), m being the
  stage's median hover: who lingers clicks. `interest` is the visitor's own, normal around 0.
* A click leads to the next stage. Whoever only hovers tries again, goes back a stage, or leaves.
"""

import itertools
import math
import random
from typing import Final

from live.eventmanager.v1.event_pb2 import (
    BTN_ACTION_HOVER_THEN_CLICKED,
    BTN_ACTION_HOVER_THEN_LEAVE,
    FUNNEL_ACTION_ON_CLICK,
    FUNNEL_ACTION_ON_URL_CHANGE,
    BtnTime,
    Click,
    Event,
    FunnelAction,
    FunnelChange,
    UrlChange,
)

from eventmanager.demo.shop import PRODUCT_COUNT, STAGES, USER_AGENTS, ShopStage

_LANDS_ON_A_PRODUCT: Final = 0.3
_TRIES_AGAIN: Final = 0.55
_GOES_BACK: Final = 0.35
_LOOKS_AT_ANOTHER: Final = 0.4
_LINKS_PRESSED: Final = 0.45
_SPREAD_OF_STAYS: Final = 0.9
_SPREAD_OF_HOVERS: Final = 0.7
_MOST_STEPS: Final = 25
_PRODUCT: Final = 2
"""Where in STAGES products are."""

_AGENTS: Final = [agent for agent, _ in USER_AGENTS]
_AGENT_WEIGHTS: Final = list(itertools.accumulate(weight for _, weight in USER_AGENTS))
_PRODUCTS: Final = [f"/product/{number}" for number in range(1, PRODUCT_COUNT + 1)]
_PRODUCT_WEIGHTS: Final = list(itertools.accumulate(1 / number for number in range(1, PRODUCT_COUNT + 1)))


class Visitor:
    """Someone who comes to the shop, perhaps more than once."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.interest = draw.gauss(0, 0.8)
        self.user_agent = draw.choices(_AGENTS, cum_weights=_AGENT_WEIGHTS)[0]
        self.device_id = f"2001:db8:{draw.getrandbits(16):x}:{draw.getrandbits(16):x}::{draw.getrandbits(16):x}"

    def visit(self, start_ms: int) -> list[Event]:
        """Draw one visit's events, in order and without ids. The time is in milliseconds since 1970."""
        visit = _Visit(self, self._draw, start_ms)
        at = _PRODUCT if self._draw.random() < _LANDS_ON_A_PRODUCT else 0
        action: FunnelAction.ValueType = FUNNEL_ACTION_ON_URL_CHANGE
        for _ in range(_MOST_STEPS):
            visit.enter(STAGES[at], action)
            if visit.stay_and_press(STAGES[at]):
                if at + 1 == len(STAGES):
                    break
                at += 1
                action = FUNNEL_ACTION_ON_CLICK
            elif at and self._draw.random() < _GOES_BACK:
                at -= 1
                action = FUNNEL_ACTION_ON_URL_CHANGE
            else:
                break
        return visit.events


class _Visit:
    """A visit as it goes on."""

    def __init__(self, visitor: Visitor, draw: random.Random, start_ms: int) -> None:
        self.events: list[Event] = []
        self._visitor = visitor
        self._draw = draw
        self._now_ms = start_ms
        self._page = ""
        self._page_since_ms = start_ms
        self._stage: int | None = None
        self._stage_since_ms = start_ms
        self._clicked_ms: int | None = None

    def enter(self, stage: ShopStage, action: FunnelAction.ValueType) -> None:
        """Open a stage's page."""
        self._open_page(self._any_product() if stage is STAGES[_PRODUCT] else stage.name)
        change = FunnelChange(action=action, entered=stage.stage)
        if self._stage is not None:
            change.left = self._stage
            change.elapsed_time.FromMilliseconds(self._now_ms - self._stage_since_ms)
        self._add(Event(funnel_change=change))
        self._stage = stage.stage
        self._stage_since_ms = self._now_ms

    def stay_and_press(self, stage: ShopStage) -> bool:
        """Look around, hover over the stage's button once or more, and tell whether it was clicked in the end."""
        self._stay(stage)
        while stage is STAGES[_PRODUCT] and self._draw.random() < _LOOKS_AT_ANOTHER:
            self._open_page(self._any_product())
            self._stay(stage)
        while True:
            if self._hover(stage):
                self._click(stage.button)
                return True
            if self._draw.random() >= _TRIES_AGAIN:
                return False
            self._pass(2_000)

    def _stay(self, stage: ShopStage) -> None:
        self._pass(stage.median_stay_s * 1000)
        if self._draw.random() < _LINKS_PRESSED:
            self._click(self._draw.choice(stage.links))
            self._pass(stage.median_stay_s * 300)

    def _hover(self, stage: ShopStage) -> bool:
        spread = self._draw.gauss(0, _SPREAD_OF_HOVERS)
        hover_ms = round(stage.median_hover_s * 1000 * math.exp(spread))
        self._now_ms += hover_ms
        is_clicked = self._draw.random() < 1 / (1 + math.exp(1.7 - 1.5 * spread - self._visitor.interest))
        hover = BtnTime(
            target=stage.button,
            action=BTN_ACTION_HOVER_THEN_CLICKED if is_clicked else BTN_ACTION_HOVER_THEN_LEAVE,
        )
        hover.elapsed_time.FromMilliseconds(hover_ms)
        self._add(Event(btn_time=hover))
        return is_clicked

    def _click(self, target: str) -> None:
        click = Click(target=target, current_url=self._page)
        if self._clicked_ms is not None:
            click.elapsed_time.FromMilliseconds(self._now_ms - self._clicked_ms)
        self._clicked_ms = self._now_ms
        self._add(Event(click=click))

    def _open_page(self, page: str) -> None:
        change = UrlChange(from_url=self._page, to_url=page)
        if self._page:
            change.elapsed_time.FromMilliseconds(self._now_ms - self._page_since_ms)
        self._add(Event(url_change=change))
        self._page = page
        self._page_since_ms = self._now_ms

    def _any_product(self) -> str:
        return self._draw.choices(_PRODUCTS, cum_weights=_PRODUCT_WEIGHTS)[0]

    def _pass(self, median_ms: float) -> None:
        self._now_ms += round(median_ms * math.exp(self._draw.gauss(0, _SPREAD_OF_STAYS)))

    def _add(self, event: Event) -> None:
        event.device_id = self._visitor.device_id
        event.user_agent = self._visitor.user_agent
        event.timestamp.FromMilliseconds(self._now_ms)
        self.events.append(event)
