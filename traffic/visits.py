"""One visit as the events a tracker would send; times are set by whoever schedules them.

From the values of `traffic/world.py`, `agents.py` and `origins.py` and a random generator to steps:
event dictionaries (CONTRACT section 1) and what is known of each. The same generator state gives
the same visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from traffic.actions import Event, draw_action, draw_vitals
from traffic.agents import BOT_AGENTS, DEVICES, BotKind, Device
from traffic.origins import DIRECT, ORIGINS, Origin
from traffic.world import PLACES, SITES, Place, Site

_PLACES, _PLACE_WEIGHTS = tuple(PLACES), tuple(accumulate(PLACES.values()))
_ORIGINS, _ORIGIN_WEIGHTS = tuple(ORIGINS), tuple(accumulate(ORIGINS.values()))
_PAGE_WEIGHTS = tuple(accumulate(1 / rank for rank in range(1, len(SITES[0].pages) + 1)))
# What a person does next on a page; a bot only goes on to the next page.
_ACTIONS = ("page_view", "scroll", "click", "custom_event", "form_submit", "video_play")
_ACTION_WEIGHTS = (42, 68, 88, 94, 97, 100)
_BOUNCE_SHARE = 0.35
_MEAN_FURTHER_EVENTS = 8
_LONGEST_VISIT = 60
_THINK_MU, _THINK_SIGMA, _LONGEST_THINK_S = 2.3, 0.9, 120.0
# A visit by a wrong clock is known by its differences only: let none of them decide anything.
_LEAST_SKEWED_THINK_S = 12.0
_SCRIPTED_THINK_S, MONITOR_THINK_S = 0.25, 1200.0
# Real addresses hold bad escapes and fragments; the path is the same without.
_ODD_TAILS = ("?width=100%", "#reviews", "?q=caf%C3%A9&page=2", "?")
_USER_ONLY_SHARE, _CUSTOMER_SHARE, _ISO_SHARE, _ODD_TAIL_SHARE = 0.02, 0.15, 0.1, 0.03


@dataclass(slots=True)
class Visitor:
    """Someone who comes, perhaps again; `fields` are what each of their events carries."""

    visitor_id: str
    site: Site
    device: Device | None  # None: a program that admits it
    fields: Event
    bot: BotKind | None = None
    has_consent: bool = True
    # Minutes east of UTC, where the tracker writes times as ISO-8601; else epoch milliseconds.
    iso_offset: int | None = None
    skew_ms: int = 0  # how far the client's clock is ahead
    has_sent_time: bool = False


@dataclass(slots=True)
class Step:
    """One event, and what is known of it."""

    event: Event
    visitor: Visitor
    origin: Origin  # what the event, taken alone, must be attributed to
    path: str | None  # of a page view


def make_visitor(rng: Random, site: Site, bot: BotKind | None = None) -> Visitor:
    """A new person on a device somewhere, or a program."""
    visitor_id = f"{rng.getrandbits(64):016x}"
    (place,) = rng.choices(_PLACES, cum_weights=_PLACE_WEIGHTS)
    fields: Event = {"anonymous_id": visitor_id, "site_id": site.site_id}
    fields["ip_address"] = _draw_address(rng, place)
    if bot and bot is not BotKind.SCRIPTED:
        fields["user_agent"] = rng.choice(BOT_AGENTS[bot])
        return Visitor(visitor_id, site, None, fields, bot)
    device = rng.choice(DEVICES)
    fields |= {
        "user_agent": device.agent,
        "language": place.language,
        "timezone": place.timezone,
        "screen_width": device.screen[0],
        "screen_height": device.screen[1],
        "viewport_width": device.viewport[0],
        "viewport_height": device.viewport[1],
    }
    visitor = Visitor(visitor_id, site, device, fields, bot)
    if bot is None:
        _make_personal(rng, visitor, place)
    return visitor


def draw_length(rng: Random) -> int:
    """How many events a person's visit has."""
    if rng.random() < _BOUNCE_SHARE:
        return 1
    return min(_LONGEST_VISIT, 2 + int(rng.expovariate(1 / _MEAN_FURTHER_EVENTS)))


def draw_scripted_length(rng: Random) -> int:
    """How many pages a scripted bot asks for: enough to tell it by its pace."""
    return rng.randrange(40, _LONGEST_VISIT)


def draw_think_s(rng: Random, visitor: Visitor) -> float:
    """Seconds until the visitor's next event."""
    if visitor.bot is BotKind.SCRIPTED:
        return _SCRIPTED_THINK_S
    if visitor.bot is BotKind.MONITOR:
        return MONITOR_THINK_S
    if visitor.bot:
        return rng.uniform(0.3, 2.0)
    think_s = min(rng.lognormvariate(_THINK_MU, _THINK_SIGMA), _LONGEST_THINK_S)
    return max(think_s, _LEAST_SKEWED_THINK_S) if visitor.skew_ms else think_s


def make_visit(rng: Random, visitor: Visitor, length: int) -> Iterator[Step]:
    """The events of one visit, `length` of them, in order; `event_timestamp` is still 0."""
    common = visitor.fields | {"session_id": f"{rng.getrandbits(48):012x}"}
    if visitor.bot:
        yield from _make_program_visit(rng, visitor, common, length)
        return
    (origin,) = rng.choices(_ORIGINS, cum_weights=_ORIGIN_WEIGHTS)
    path, title = _draw_page(rng, visitor.site)
    url = f"{visitor.site.url}{path}{origin.query}"
    page = {"page_url": url, "page_title": title}
    landing = page | {"referrer": origin.referrer} if origin.referrer else page
    has_start = length > 3 and rng.random() < 0.3
    has_end = length > 3 and rng.random() < 0.2
    if has_start:
        yield Step(_make_event(rng, "session_start", common, landing), visitor, origin, None)
    vitals = draw_vitals(rng, visitor.device)
    event = _make_event(rng, "page_view", common, landing, vitals)
    yield Step(event, visitor, origin, path)
    # Further events on the landing page still carry its query, but not the link that led there.
    here = origin if origin.query else DIRECT
    for _ in range(length - 1 - has_start - has_end):
        (kind,) = rng.choices(_ACTIONS, cum_weights=_ACTION_WEIGHTS)
        if kind == "page_view":
            path, title = _draw_page(rng, visitor.site)
            link, here = {"referrer": url}, DIRECT
            tail = rng.choice(_ODD_TAILS) if rng.random() < _ODD_TAIL_SHARE else ""
            url = f"{visitor.site.url}{path}{tail}"
            page = {"page_url": url, "page_title": title}
            vitals = draw_vitals(rng, visitor.device)
            event = _make_event(rng, "page_view", common, page, link, vitals)
            yield Step(event, visitor, here, path)
        else:
            event = _make_event(rng, kind, common, page, draw_action(rng, kind))
            yield Step(event, visitor, here, None)
    if has_end:
        yield Step(_make_event(rng, "session_end", common, page), visitor, here, None)


def _make_program_visit(
    rng: Random, visitor: Visitor, common: Event, length: int
) -> Iterator[Step]:
    for _ in range(length):
        is_monitor = visitor.bot is BotKind.MONITOR
        path, title = visitor.site.pages[0] if is_monitor else _draw_page(rng, visitor.site)
        page = {"page_url": f"{visitor.site.url}{path}", "page_title": title}
        yield Step(_make_event(rng, "page_view", common, page), visitor, DIRECT, path)


def _make_personal(rng: Random, visitor: Visitor, place: Place) -> None:
    """Some are known customers, some by nothing else; some trackers write ISO-8601 times."""
    luck = rng.random()
    if luck < _USER_ONLY_SHARE:
        del visitor.fields["anonymous_id"]
        visitor.visitor_id = visitor.fields["user_id"] = f"member-{visitor.visitor_id}"
    elif luck < _USER_ONLY_SHARE + _CUSTOMER_SHARE:
        visitor.fields["user_id"] = f"customer-{rng.randrange(100_000)}"
    if rng.random() < _ISO_SHARE:
        visitor.iso_offset = place.offset_minutes


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


def _draw_page(rng: Random, site: Site) -> tuple[str, str]:
    return rng.choices(site.pages, cum_weights=_PAGE_WEIGHTS)[0]


def _draw_address(rng: Random, place: Place) -> str:
    if ":" in place.network:
        first, second, last = (rng.randrange(1, 65536) for _ in range(3))
        return f"{place.network}{first:x}:{second:x}::{last:x}"
    return f"{place.network}{rng.randrange(256)}.{rng.randrange(1, 255)}"
