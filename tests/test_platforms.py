"""What visitors browse with."""

import pytest

from eventmanager.events import Platform
from eventmanager.platforms import PlatformReader

USER_AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": (
        Platform("Chrome", "Windows", "desktop")
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Safari/605.1.15": Platform("Safari", "Mac OS X", "desktop"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": Platform("Firefox", "Linux", "desktop"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": (
        Platform("Chrome", "Chrome OS", "desktop")
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1": Platform("Mobile Safari", "iOS", "mobile"),
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
    "Safari/537.36": Platform("Chrome Mobile", "Android", "mobile"),
    "Mozilla/5.0 (Mobile; Nokia 6300 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.4": (
        Platform("Firefox Mobile", "KaiOS", "mobile")
    ),
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1": Platform("Mobile Safari", "iOS", "tablet"),
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36": (
        Platform("Chrome", "Android", "tablet")
    ),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": Platform("Googlebot", "", "bot"),
    "Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.4 "
    "Safari/605.1.15": Platform("Safari", "", ""),
    "curl/8.0": Platform("curl", "", ""),
    "nothing that anybody knows": Platform("", "", ""),
    "": Platform("", "", ""),
}


@pytest.mark.parametrize("user_agent", USER_AGENTS)
def test_a_user_agent_tells_browser_system_and_kind_of_device(user_agent: str) -> None:
    """What is read of real headers; what they do not tell is empty."""
    assert PlatformReader().read(user_agent) == USER_AGENTS[user_agent]


def test_the_same_header_gives_the_same_object() -> None:
    """The fold tells platforms apart by identity."""
    reader = PlatformReader()
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"

    assert reader.read(firefox) is reader.read(firefox)
    assert reader.complete("Firefox", "Linux", "desktop", "") is reader.read(firefox)


def test_what_the_sender_tells_goes_before_the_header() -> None:
    """Each part told is kept, and only the others are read from the header."""
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"

    assert PlatformReader().complete("", "", "kiosk", firefox) == Platform("Firefox", "Linux", "kiosk")
