"""What visits the made-up sites: browsers on their screens, and programs.

Values only. Beside each browser stand the device class, family and system that an enrichment must
find: families without their mobile variants, as people name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """A browser on a screen."""

    agent: str
    device_type: str
    browser: str
    os: str
    screen: tuple[int, int]
    viewport: tuple[int, int]
    slowness: float = 1.0


class BotKind(StrEnum):
    """How a program visits; all but the last say so by their agent, or by having none."""

    CRAWLER = "crawler"
    HTTP_LIBRARY = "http_library"
    HEADLESS = "headless"
    EMPTY_AGENT = "empty_agent"
    MONITOR = "monitor"  # asks for one page for ever, and so never pauses
    SCRIPTED = "scripted"  # wears a browser's agent; steady high rate, zero think time


_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS, _MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"

DEVICES = (
    *(
        Device(
            f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{version}.0.0.0 Safari/537.36",
            "desktop",
            "Chrome",
            os,
            (1920, 1080),
            (1903, 937),
        )
        for system, os in ((_WINDOWS, "Windows"), (_MAC, "macOS"), ("X11; Linux x86_64", "Linux"))
        for version in (126, 128, 131)
    ),
    Device(
        f"Mozilla/5.0 ({_WINDOWS}; rv:132.0) Gecko/20100101 Firefox/132.0",
        "desktop",
        "Firefox",
        "Windows",
        (2560, 1440),
        (2543, 1297),
    ),
    Device(
        f"Mozilla/5.0 ({_MAC}) {_SAFARI} Version/17.6 Safari/605.1.15",
        "desktop",
        "Safari",
        "macOS",
        (1728, 1117),
        (1728, 963),
    ),
    Device(
        f"Mozilla/5.0 ({_WINDOWS}) {_WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        "desktop",
        "Edge",
        "Windows",
        (1536, 864),
        (1519, 730),
    ),
    *(
        Device(
            f"Mozilla/5.0 (Linux; Android {version}; {model}) {_WEBKIT} Chrome/131.0.0.0 "
            "Mobile Safari/537.36",
            "mobile",
            "Chrome",
            "Android",
            (412, 915),
            (412, 785),
            1.8,
        )
        for version, model in ((13, "SM-A536B"), (14, "Pixel 8"), (14, "SM-S921B"), (10, "K"))
    ),
    *(
        Device(
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) {_SAFARI} "
            "Version/17.6 Mobile/15E148 Safari/604.1",
            "mobile",
            "Safari",
            "iOS",
            (390, 844),
            (390, 664),
            1.4,
        )
        for version in ("16_7", "17_6", "18_1")
    ),
    Device(
        f"Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) {_SAFARI} "
        "Version/17.6 Mobile/15E148 Safari/604.1",
        "tablet",
        "Safari",
        "iOS",
        (820, 1180),
        (820, 1106),
        1.2,
    ),
)

BOT_AGENTS: dict[BotKind, tuple[str, ...]] = {
    BotKind.CRAWLER: (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        f"Mozilla/5.0 {_WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    BotKind.HTTP_LIBRARY: ("python-requests/2.32.3", "curl/8.9.1", "Go-http-client/2.0"),
    BotKind.HEADLESS: (
        f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36",
    ),
    BotKind.EMPTY_AGENT: ("",),
    BotKind.MONITOR: ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",),
}
# Of the bots that come and go like visitors: how often each kind.
BOT_WEIGHTS = {
    BotKind.CRAWLER: 55,
    BotKind.HTTP_LIBRARY: 20,
    BotKind.HEADLESS: 15,
    BotKind.EMPTY_AGENT: 10,
}
