"""The shop of the demo: its stages, what is on their pages, and what its visitors browse with."""

from dataclasses import dataclass
from typing import Final

APP: Final = "demo"


@dataclass(frozen=True, slots=True)
class ShopStage:
    """One stage of the shop's funnel. Pressing its button leads to the next."""

    stage: int
    name: str
    button: str
    links: tuple[str, ...]
    median_stay_s: float
    """How long half of the visitors stay on one of its pages at most."""
    median_hover_s: float
    """How long half of the hovers over its button last at most."""


STAGES: Final = (
    ShopStage(1, "/home", "main/section[1]/a[2]", ("banner", "nav/a[1]", "newsletter"), 14, 0.5),
    ShopStage(2, "/products", "main/ul/li[1]/a", ("filter-price", "filter-size", "next-page"), 22, 0.7),
    ShopStage(3, "/product", "div/button[1]", ("gallery", "size-guide", "reviews"), 35, 1.0),
    ShopStage(4, "/cart", "main/form/button", ("quantity", "remove", "voucher"), 18, 1.1),
    ShopStage(5, "/checkout", "main/form[2]/button[3]", ("address", "pay-by-card", "pay-by-invoice"), 48, 1.6),
    ShopStage(6, "/thanks", "main/a", ("track-order",), 9, 0.6),
)

PRODUCT_COUNT: Final = 120

USER_AGENTS: Final = (
    (
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
            "Safari/537.36"
        ),
        30,
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile "
            "Safari/537.36"
        ),
        24,
    ),
    (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.6 Mobile/15E148 Safari/604.1"
        ),
        20,
    ),
    (
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
            "Safari/605.1.15"
        ),
        8,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", 7),
    (
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
            "Safari/537.36 Edg/141.0.0.0"
        ),
        6,
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", 3),
    (
        (
            "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
            "Mobile/15E148 Safari/604.1"
        ),
        2,
    ),
)
"""User-Agent headers and their weights."""
