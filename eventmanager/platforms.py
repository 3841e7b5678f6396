"""Which browser, operating system and kind of device a visitor uses."""

import ua_parser

from eventmanager.events import Platform

_CACHED_USER_AGENTS = 20_000  # About 10 MB; reading one takes ua-parser 0.1 ms.

_DESKTOP_SYSTEMS = frozenset(
    ("Windows", "Mac OS X", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD")
)
_MOBILE_SYSTEMS = frozenset(("iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS", "Symbian OS", "Firefox OS"))
_TABLETS = ("iPad", "Tablet", "Kindle", "PlayBook", "Silk/")
_OTHER_SCREENS = ("TV", "PlayStation", "Xbox", "Nintendo", "CrKey", "AppleWatch")


class PlatformReader:
    """Reads User-Agent headers with ua-parser, and remembers what it read."""

    def __init__(self) -> None:
        _platform_of("Mozilla/5.0")  # Compiles ua-parser's patterns now, for 0.2 s, and not on the first event.
        self.by_user_agent: dict[str, Platform] = {}
        """The headers read lately: to be read only, by those to whom a call is too slow."""
        self._told: dict[Platform, Platform] = {}

    def read(self, user_agent: str) -> Platform:
        """Return what a User-Agent tells; the same header gives the same object while it is remembered."""
        platform = self.by_user_agent.get(user_agent)
        if platform is None:
            if len(self.by_user_agent) >= _CACHED_USER_AGENTS:
                self.by_user_agent.clear()
            platform = self.by_user_agent[user_agent] = self._one(_platform_of(user_agent))
        return platform

    def complete(self, browser: str, os: str, device: str, user_agent: str) -> Platform:
        """Return what the sender told, each part that is empty filled in from the User-Agent."""
        if browser and os and device:
            return self._one(Platform(browser, os, device))
        read = self.read(user_agent)
        return self._one(Platform(browser or read.browser, os or read.os, device or read.device))

    def _one(self, platform: Platform) -> Platform:
        """Return the one object that stands for equal platforms: none is compared text by text then."""
        if len(self._told) >= _CACHED_USER_AGENTS:
            self._told.clear()
        return self._told.setdefault(platform, platform)


def _platform_of(user_agent: str) -> Platform:
    if not user_agent:
        return Platform("", "", "")
    result = ua_parser.parse(user_agent)
    os = result.os.family if result.os else ""
    return Platform(
        browser=result.user_agent.family if result.user_agent else "",
        os=os,
        device=_device_kind(user_agent, os, is_spider=result.device is not None and result.device.family == "Spider"),
    )


def _device_kind(user_agent: str, os: str, *, is_spider: bool) -> str:
    """Tell the kind of device, which ua-parser leaves to its callers; empty where it is none of the four.

    `Mobi` as the sign of a phone, and an Android without it as a tablet, are what browsers' makers recommend:
    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Browser_detection_using_the_user_agent
    """
    if is_spider:
        return "bot"
    if any(sign in user_agent for sign in _OTHER_SCREENS):
        return ""
    if any(sign in user_agent for sign in _TABLETS) or (os == "Android" and "Mobi" not in user_agent):
        return "tablet"
    if "Mobi" in user_agent or os in _MOBILE_SYSTEMS:
        return "mobile"
    return "desktop" if os in _DESKTOP_SYSTEMS else ""
