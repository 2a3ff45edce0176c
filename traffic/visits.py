"""One visit as the events a tracker would send; times are set by whoever schedules them.

From the values of `traffic/world.py` and a random generator to event dictionaries (CONTRACT
section 1). The same generator state gives the same visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

from traffic.world import (
    BOT_AGENTS,
    DEVICES,
    ORIGINS,
    PAGES,
    PLACES,
    SITE_URL,
    VIDEO_SECONDS,
    Device,
    Place,
)

Event = dict[str, Any]

_PLACES, _PLACE_WEIGHTS = tuple(PLACES), tuple(accumulate(PLACES.values()))
_ORIGINS, _ORIGIN_WEIGHTS = tuple(ORIGINS), tuple(accumulate(ORIGINS.values()))
_PAGE_WEIGHTS = tuple(accumulate(1 / rank for rank in range(1, len(PAGES) + 1)))
# What a person does next on a page; a bot only goes on to the next page.
_ACTIONS = ("page_view", "scroll", "click", "custom_event", "form_submit", "video_play")
_ACTION_WEIGHTS = (42, 68, 88, 94, 97, 100)
_BOUNCE_SHARE = 0.35
_MEAN_FURTHER_EVENTS = 8
_LONGEST_VISIT = 60
_THINK_MU, _THINK_SIGMA, _LONGEST_THINK_S = 2.3, 0.9, 120.0


@dataclass(slots=True)
class Visitor:
    """Someone who comes, perhaps again; `fields` are what each of their events carries."""

    anonymous_id: str
    device: Device | None
    is_bot: bool
    fields: Event


def make_visitor(rng: Random, site_id: str, is_bot: bool) -> Visitor:
    """A new person on a device somewhere, or a bot."""
    anonymous_id = f"{rng.getrandbits(64):016x}"
    (place,) = rng.choices(_PLACES, cum_weights=_PLACE_WEIGHTS)
    fields: Event = {"anonymous_id": anonymous_id, "site_id": site_id}
    if is_bot:
        agent = rng.choice(BOT_AGENTS)
        fields |= {"user_agent": agent, "ip_address": _draw_address(rng, place)}
        return Visitor(anonymous_id, None, True, fields)
    device = rng.choice(DEVICES)
    if rng.random() < 0.15:
        fields["user_id"] = f"customer-{rng.randrange(100_000)}"
    fields |= {
        "user_agent": device.agent,
        "ip_address": _draw_address(rng, place),
        "language": place.language,
        "timezone": place.timezone,
        "screen_width": device.screen[0],
        "screen_height": device.screen[1],
        "viewport_width": device.viewport[0],
        "viewport_height": device.viewport[1],
    }
    return Visitor(anonymous_id, device, False, fields)


def draw_length(rng: Random) -> int:
    """How many events a visit has."""
    if rng.random() < _BOUNCE_SHARE:
        return 1
    return min(_LONGEST_VISIT, 2 + int(rng.expovariate(1 / _MEAN_FURTHER_EVENTS)))


def draw_think_s(rng: Random, visitor: Visitor) -> float:
    """Seconds until the visitor's next event."""
    if visitor.is_bot:
        return rng.uniform(0.3, 2.0)
    return min(rng.lognormvariate(_THINK_MU, _THINK_SIGMA), _LONGEST_THINK_S)


def make_visit(rng: Random, visitor: Visitor, length: int) -> Iterator[Event]:
    """The events of one visit, `length` of them, in order; `event_timestamp` is still 0."""
    (origin,) = rng.choices(_ORIGINS, cum_weights=_ORIGIN_WEIGHTS)
    common = visitor.fields | {"session_id": f"{rng.getrandbits(48):012x}"}
    path, title = _draw_page(rng)
    url = f"{SITE_URL}{path}{origin.query}"
    landing = {"page_url": url, "page_title": title}
    if origin.referrer and not visitor.is_bot:
        landing["referrer"] = origin.referrer
    has_start = length > 3 and not visitor.is_bot and rng.random() < 0.3
    has_end = length > 3 and not visitor.is_bot and rng.random() < 0.2
    if has_start:
        yield _make_event(rng, "session_start", common, landing)
    yield _make_event(rng, "page_view", common, landing, _draw_vitals(rng, visitor))
    page = {"page_url": url, "page_title": title}
    for _ in range(length - 1 - has_start - has_end):
        (kind,) = rng.choices(_ACTIONS, cum_weights=_ACTION_WEIGHTS)
        if kind == "page_view" or visitor.is_bot:
            path, title = _draw_page(rng)
            link = {"referrer": url}
            url = SITE_URL + path
            page = {"page_url": url, "page_title": title}
            vitals = _draw_vitals(rng, visitor)
            yield _make_event(rng, "page_view", common, page, link, vitals)
        else:
            yield _make_event(rng, kind, common, page, _draw_action(rng, kind))
    if has_end:
        yield _make_event(rng, "session_end", common, page)


def _make_event(rng: Random, kind: str, *fields: Event) -> Event:
    event: Event = {
        "event_id": f"{rng.getrandbits(128):032x}",
        "event_type": kind,
        "event_timestamp": 0,
    }
    for part in fields:
        event.update(part)
    event["tracker"] = "simulate"
    event["schema_version"] = "1"
    return event


def _draw_page(rng: Random) -> tuple[str, str]:
    return rng.choices(PAGES, cum_weights=_PAGE_WEIGHTS)[0]


def _draw_address(rng: Random, place: Place) -> str:
    if ":" in place.network:
        first, second, last = (rng.randrange(1, 65536) for _ in range(3))
        return f"{place.network}{first:x}:{second:x}::{last:x}"
    return f"{place.network}{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _draw_vitals(rng: Random, visitor: Visitor) -> Event:
    if visitor.device is None:  # bots do not run the script that measures
        return {}
    load_ms = rng.lognormvariate(7.1, 0.5) * visitor.device.slowness
    return {
        "load_time_ms": round(load_ms, 1),
        "ttfb_ms": round(load_ms * rng.uniform(0.1, 0.3), 1),
        "dom_interactive_ms": round(load_ms * rng.uniform(0.4, 0.6), 1),
        "fcp_ms": round(load_ms * rng.uniform(0.35, 0.6), 1),
        "lcp_ms": round(load_ms * rng.uniform(0.6, 1.1), 1),
        "inp_ms": round(rng.lognormvariate(4.6, 0.6), 1),
        "cls": round(rng.expovariate(20), 3),
    }


def _draw_action(rng: Random, kind: str) -> Event:
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
        value = round(rng.lognormvariate(3.6, 0.7), 2)
        return {"event_name": "purchase", "value": value, "currency": "USD"}
    return {"event_name": rng.choice(("add_to_cart", "search", "share"))}
