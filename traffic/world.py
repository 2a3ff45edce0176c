"""The made-up world: the sites, their pages, and the places visitors live in.

Values only; `traffic/visits.py` draws from them. Hosts are reserved names, networks are large
providers' own, so that an address resolves to its country.
"""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_SECONDS = 184.0


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A site; its pages, the most popular first."""

    site_id: str
    url: str
    pages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visitor is; `network` is the fixed part of the address."""

    country: str
    language: str
    timezone: str
    network: str
    offset_minutes: int  # of local time from UTC


# Popularity falls with the rank (Zipf).
_PAGES = (
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

# Each site's home page leads; the others' order differs from site to site.
SITES = tuple(
    Site(
        site_id,
        f"https://{host}",
        (_PAGES[0], *_PAGES[1 + 5 * number :], *_PAGES[1 : 1 + 5 * number]),
    )
    for number, (site_id, host) in enumerate(
        (
            ("default", "www.example.com"),
            ("roastery", "roastery.example"),
            ("cafe", "cafe.example"),
            ("academy", "academy.example"),
            ("wholesale", "wholesale.example"),
            ("repair", "repair.example"),
        )
    )
)

# Place, share of the visitors.
PLACES = {
    Place("US", "en-US", "America/New_York", "73.15.", -300): 30,
    Place("US", "en-US", "America/Los_Angeles", "2601:647:", -480): 6,
    Place("DE", "de-DE", "Europe/Berlin", "91.64.", 60): 14,
    Place("DE", "de-DE", "Europe/Berlin", "2a02:8108:", 60): 4,
    Place("GB", "en-GB", "Europe/London", "81.152.", 0): 11,
    Place("FR", "fr-FR", "Europe/Paris", "90.12.", 60): 8,
    Place("IN", "en-IN", "Asia/Kolkata", "117.200.", 330): 8,
    Place("BR", "pt-BR", "America/Sao_Paulo", "177.32.", -180): 6,
    Place("JP", "ja-JP", "Asia/Tokyo", "126.72.", 540): 5,
    Place("CA", "en-CA", "America/Toronto", "99.224.", -300): 4,
    Place("NL", "nl-NL", "Europe/Amsterdam", "145.97.", 60): 2,
    Place("AU", "en-AU", "Australia/Sydney", "101.160.", 600): 2,
}
