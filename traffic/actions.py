"""What people do on a page, and what the page measures: the fields that belong to one event type.

From a random generator to parts of event dictionaries.
"""

from __future__ import annotations

from random import Random
from typing import Any

from traffic.agents import Device
from traffic.world import VIDEO_SECONDS

Event = dict[str, Any]

# Money of other countries, which must never be added up with the site's own.
_FOREIGN_CURRENCIES = ("EUR", "GBP")


def draw_vitals(rng: Random, device: Device | None) -> Event:
    """Load times and web vitals of a page view; programs do not run the script that measures."""
    if device is None:
        return {}
    load_ms = rng.lognormvariate(7.1, 0.5) * device.slowness
    return {
        "load_time_ms": round(load_ms, 1),
        "ttfb_ms": round(load_ms * rng.uniform(0.1, 0.3), 1),
        "dom_interactive_ms": round(load_ms * rng.uniform(0.4, 0.6), 1),
        "fcp_ms": round(load_ms * rng.uniform(0.35, 0.6), 1),
        "lcp_ms": round(load_ms * rng.uniform(0.6, 1.1), 1),
        "inp_ms": round(rng.lognormvariate(4.6, 0.6), 1),
        "cls": round(rng.expovariate(20), 3),
    }


def draw_action(rng: Random, kind: str) -> Event:
    """The fields of an event that is no page view."""
    if kind == "scroll":
        return {"scroll_depth_percent": rng.choice((10, 25, 50, 75, 90, 100))}
    if kind == "click":
        return {
            "element_id": rng.choice(("buy-now", "menu", "read-more", "add-to-cart")),
            "element_tag": rng.choice(("a", "button")),
            "element_text": rng.choice(("Buy now", "Menu", "Read more", "Add to cart")),
            "x": rng.randrange(390),
            "y": rng.randrange(660),
        }
    if kind == "form_submit":
        form = rng.choice(("signup", "contact", "newsletter"))
        return {"form_id": form, "form_name": form.title(), "form_success": rng.random() < 0.85}
    if kind == "video_play":
        return {
            "video_id": rng.choice(("latte-art", "unboxing")),
            "video_position_s": round(rng.uniform(0, VIDEO_SECONDS), 1),
            "video_duration_s": VIDEO_SECONDS,
        }
    if rng.random() < 0.4:
        return _draw_sale(rng)
    return {"event_name": rng.choice(("add_to_cart", "search", "share"))}


def _draw_sale(rng: Random) -> Event:
    """A purchase, or now and then its return; most name the site's currency, USD."""
    value = round(rng.lognormvariate(3.6, 0.7), 2)
    luck = rng.random()
    sale: Event = {"event_name": "purchase", "value": value, "currency": "USD"}
    if luck < 0.03:
        sale |= {"event_name": "refund", "value": -value}
    elif luck < 0.08:
        del sale["currency"]  # the site's own is meant
    elif luck < 0.16:
        sale["currency"] = rng.choice(_FOREIGN_CURRENCIES)
    return sale
