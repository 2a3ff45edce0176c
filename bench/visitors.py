"""Who the bench's events come from: device, place and address by the visitor's name alone.

From the values of `traffic/` to the fields that every event of a visitor carries. No generator
state: a visitor is the same in every event, and the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

from traffic.agents import BOT_AGENTS, BOT_WEIGHTS, DEVICES, BotKind, Device
from traffic.world import PLACES, Place

_T = TypeVar("_T")

# Of 1,000 visitors: programs that say so, those on IPv6, those in an app's own browser, and those
# whose tracker sends the whole list of languages.
_PROGRAMS, _ON_IPV6, _IN_APP, _LISTS = 40, 350, 150, 50
_NEWEST_CHROME = 131
_MODELS = (
    *("SM-A145R", "SM-A155F", "SM-A346B", "SM-A536B", "SM-A546B", "SM-G991B", "SM-S911B"),
    *("SM-S928B", "Pixel 6a", "Pixel 7", "Pixel 8 Pro", "Redmi Note 12", "2201117TY", "M2101K6G"),
    *("CPH2365", "CPH2581", "RMX3771", "V2250", "moto g54 5G", "XQ-DC54", "Nokia G42 5G"),
)


def _repeat(weights: Iterable[tuple[_T, int]]) -> tuple[_T, ...]:
    """Each as often as it weighs, so that a number picks one."""
    return tuple(item for item, weight in weights for _ in range(weight))


def _age(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    """The same devices with their browser of today and of the last five releases."""
    newest = f"Chrome/{_NEWEST_CHROME}."
    return tuple(
        replace(device, agent=device.agent.replace(newest, f"Chrome/{_NEWEST_CHROME - age}."))
        for device in devices
        for age in (0, 0, 0, 0, 1, 1, 2, 3, 4, 5)
    )


def _open_in_app() -> tuple[Device, ...]:
    """A page opened inside an app, whose agent names model and build: the long tail of agents."""
    mobile = next(device for device in DEVICES if "Android" in device.agent)
    return tuple(
        replace(
            mobile,
            agent=f"Mozilla/5.0 (Linux; Android {release}; {model} Build/UP1A.231005.007; wv) "
            "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            f"Chrome/{_NEWEST_CHROME - age}.0.6778.{39 + age} Mobile Safari/537.36 "
            f"[FB_IAB/FB4A;FBAV/{490 - age}.0.0.63.82;]",
        )
        for release in (12, 13, 14)
        for model in _MODELS
        for age in range(10)
    )


_BROWSERS, _APPS = _age(DEVICES), _open_in_app()
_PROGRAM_AGENTS = _repeat(
    (agent, weight) for kind, weight in BOT_WEIGHTS.items() for agent in BOT_AGENTS[BotKind(kind)]
)
_IPV4_PLACES, _IPV6_PLACES = (
    _repeat((place, share) for place, share in PLACES.items() if (":" in place.network) is is_ipv6)
    for is_ipv6 in (False, True)
)


@lru_cache(maxsize=10_000)
def describe_visitor(name: str, *, is_person: bool = False) -> tuple[dict[str, Any], Device | None]:
    """The fields of a visitor's every event, and the device; None for a program.

    is_person: never make a program of this one.
    """
    draw = int.from_bytes(sha256(name.encode()).digest())

    def pick(count: int) -> int:
        nonlocal draw
        draw, number = divmod(draw, count)
        return number

    places = _IPV6_PLACES if pick(1_000) < _ON_IPV6 else _IPV4_PLACES
    place = places[pick(len(places))]
    fields: dict[str, Any] = {"anonymous_id": name, "ip_address": _make_address(place, pick(2**48))}
    if pick(1_000) < _PROGRAMS and not is_person:
        return fields | {"user_agent": _PROGRAM_AGENTS[pick(len(_PROGRAM_AGENTS))]}, None
    devices = _APPS if pick(1_000) < _IN_APP else _BROWSERS
    device = devices[pick(len(devices))]
    language = place.language
    if pick(1_000) < _LISTS:
        language = f"{language},{language[:2]};q=0.9,en;q=0.8"
    fields |= {
        "user_agent": device.agent,
        "language": language,
        "timezone": place.timezone,
        "screen_width": device.screen[0],
        "screen_height": device.screen[1],
        "viewport_width": device.viewport[0],
        "viewport_height": device.viewport[1],
    }
    return fields, device


def _make_address(place: Place, number: int) -> str:
    if ":" in place.network:
        first, second, last = number >> 32, number >> 16 & 0xFFFF, number & 0xFFFF
        return f"{place.network}{first:x}:{second:x}::{last:x}"
    return f"{place.network}{number & 0xFF}.{1 + (number >> 8) % 254}"
