"""The made-up world: a site's pages, its visitors' devices and places, and where they come from.

Values only; `traffic/visits.py` draws from them. Hosts are reserved names, networks are large
providers' own, so that an address resolves to its country.
"""

from __future__ import annotations

from dataclasses import dataclass

SITE_URL = "https://www.example.com"
VIDEO_SECONDS = 184.0


@dataclass(frozen=True)
class Device:
    """A browser on a screen."""

    agent: str
    screen: tuple[int, int]
    viewport: tuple[int, int]
    slowness: float = 1.0


@dataclass(frozen=True)
class Place:
    """Where a visitor is; `network` is the fixed part of the address."""

    country: str
    language: str
    timezone: str
    network: str


@dataclass(frozen=True)
class Origin:
    """What brought a visit: the referrer and the query of the landing page."""

    referrer: str | None
    query: str = ""


# Most popular first: popularity falls with the rank (Zipf).
PAGES = (
    ("/", "Home"),
    ("/products/", "Products"),
    ("/pricing", "Pricing"),
    ("/blog/", "Blog"),
    ("/products/espresso-machine", "Espresso machine"),
    ("/blog/how-to-brew-better-coffee", "How to brew better coffee"),
    ("/products/grinder", "Grinder"),
    ("/signup", "Sign up"),
    ("/docs/", "Documentation"),
    ("/cart", "Cart"),
    ("/checkout", "Checkout"),
    ("/products/beans-house-blend", "House blend"),
    ("/videos/latte-art", "Latte art in three minutes"),
    ("/blog/ten-mistakes", "Ten mistakes with a grinder"),
    ("/docs/getting-started", "Getting started"),
    ("/contact", "Contact"),
    ("/products/kettle", "Kettle"),
    ("/about", "About us"),
    ("/blog/water-matters", "Water matters"),
    ("/docs/cleaning", "Cleaning"),
    ("/products/filter-set", "Filter set"),
    ("/videos/unboxing", "Unboxing"),
    ("/blog/a-visit-to-huila", "A visit to Huila"),
    ("/docs/troubleshooting", "Troubleshooting"),
    ("/jobs", "Jobs"),
    ("/products/beans-decaf", "Decaf"),
    ("/shipping", "Shipping and returns"),
    ("/blog/caf%C3%A9-culture", "Café culture"),
    ("/press", "Press"),
    ("/imprint", "Imprint"),
    ("/privacy", "Privacy"),
)

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS, _MAC = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"
DEVICES = (
    *(
        Device(
            f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{version}.0.0.0 Safari/537.36",
            (1920, 1080),
            (1903, 937),
        )
        for system in (_WINDOWS, _MAC, "X11; Linux x86_64")
        for version in (126, 128, 131)
    ),
    Device(
        f"Mozilla/5.0 ({_WINDOWS}; rv:132.0) Gecko/20100101 Firefox/132.0",
        (2560, 1440),
        (2543, 1297),
    ),
    Device(
        f"Mozilla/5.0 ({_MAC}) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.6 Safari/605.1.15",
        (1728, 1117),
        (1728, 963),
    ),
    Device(
        f"Mozilla/5.0 ({_WINDOWS}) {_WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        (1536, 864),
        (1519, 730),
    ),
    *(
        Device(
            f"Mozilla/5.0 (Linux; Android {version}; {model}) {_WEBKIT} Chrome/131.0.0.0 "
            "Mobile Safari/537.36",
            (412, 915),
            (412, 785),
            1.8,
        )
        for version, model in ((13, "SM-A536B"), (14, "Pixel 8"), (14, "SM-S921B"), (10, "K"))
    ),
    *(
        Device(
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
            (390, 844),
            (390, 664),
            1.4,
        )
        for version in ("16_7", "17_6", "18_1")
    ),
    Device(
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.6 Mobile/15E148 Safari/604.1",
        (820, 1180),
        (820, 1106),
        1.2,
    ),
)

BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    f"Mozilla/5.0 {_WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    "curl/8.9.1",
)

# Place, share of the visitors.
PLACES = {
    Place("US", "en-US", "America/New_York", "73.15."): 30,
    Place("US", "en-US", "America/Los_Angeles", "2601:647:"): 6,
    Place("DE", "de-DE", "Europe/Berlin", "91.64."): 14,
    Place("DE", "de-DE", "Europe/Berlin", "2a02:8108:"): 4,
    Place("GB", "en-GB", "Europe/London", "81.152."): 11,
    Place("FR", "fr-FR", "Europe/Paris", "90.12."): 8,
    Place("IN", "en-IN", "Asia/Kolkata", "117.200."): 8,
    Place("BR", "pt-BR", "America/Sao_Paulo", "177.32."): 6,
    Place("JP", "ja-JP", "Asia/Tokyo", "126.72."): 5,
    Place("CA", "en-CA", "America/Toronto", "99.224."): 4,
    Place("NL", "nl-NL", "Europe/Amsterdam", "145.97."): 2,
    Place("AU", "en-AU", "Australia/Sydney", "101.160."): 2,
}

# Origin, share of the visits.
ORIGINS = {
    Origin(None): 34,
    Origin("https://www.google.com/"): 26,
    Origin("https://www.bing.com/"): 4,
    Origin("https://duckduckgo.com/"): 3,
    Origin("https://chatgpt.com/"): 3,
    Origin("https://www.facebook.com/"): 4,
    Origin("https://t.co/Q8rXyZ"): 3,
    Origin("https://www.linkedin.com/feed/"): 2,
    Origin("https://news.example.org/2026/coffee-at-home"): 4,
    Origin("https://forum.example.net/t/4711?page=2"): 2,
    Origin(None, "?utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale"): 5,
    Origin(
        "https://www.google.com/",
        "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=EAIaIQobChMI",
    ): 5,
    Origin(
        "https://l.instagram.com/",
        "?utm_source=instagram&utm_medium=paid_social&utm_campaign=latte_art",
    ): 3,
    Origin("https://partner.example.org/", "?utm_source=partner&utm_medium=affiliate"): 2,
}
