"""The fixed set of events: the same bytes for the same plan, except for their times.

Written once to `bench-data/events.ndjson`, about 700 bytes a line. The time stands at a
fixed place, so that `bench/send.py` can stamp the time of sending without parsing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# {"event_timestamp":1700000000000,"event_id":...
TIME_SLICE = slice(19, 32)
_PLACEHOLDER_MS = 1_700_000_000_000

_EVENTS_PER_VISITOR = 6
_TYPES = ("page_view", "click", "scroll", "custom_event")
_TYPE_WEIGHTS = (70, 14, 12, 4)
_PAGES = tuple(
    f"/{section}/{number:03d}-{section}-article"
    for section in ("blog", "shop", "docs", "help")
    for number in range(120)
)
_PAGE_WEIGHTS = tuple(1 / rank for rank in range(1, len(_PAGES) + 1))
_CAMPAIGNS = ("", "", "", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring_2026")
_REFERRERS = (
    "",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://news.example.org/a",
)
_AGENTS = tuple(
    f"Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{version}.0.0.0 {device}Safari/537.36"
    for platform, device in (
        ("Windows NT 10.0; Win64; x64", ""),
        ("Macintosh; Intel Mac OS X 10_15_7", ""),
        ("X11; Linux x86_64", ""),
        ("Linux; Android 14; Pixel 8", "Mobile "),
    )
    for version in range(118, 128)
)


@dataclass(frozen=True)
class EventSet:
    """The file and what is known about its content."""

    file: str
    warmup_events: int
    events: int
    visitors: int  # of both parts; each comes back within a session's gap
    page_views: int  # likewise
    mean_bytes: int


def write_event_set(path: str | Path, warmup_events: int, events: int, seed: int) -> EventSet:
    """Write the warm-up events, then the measured ones, of other visitors."""
    rng = random.Random(seed)
    visitors = max(1, events // _EVENTS_PER_VISITOR)
    seen: set[str] = set()
    page_views = 0
    file = Path(path)
    draft = file.with_suffix(".draft")
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as out:
        for number in range(warmup_events + events):
            part = "warm" if number < warmup_events else "visitor"
            visitor = f"{part}-{rng.randrange(visitors)}"
            event = make_event(rng, visitor)
            seen.add(visitor)
            page_views += b'"event_type":"page_view"' in event
            out.write(event)
    size = draft.stat().st_size
    draft.replace(file)
    mean_bytes = size // (warmup_events + events)
    return EventSet(str(file), warmup_events, events, len(seen), page_views, mean_bytes)


def make_event(
    rng: random.Random, visitor: str, site_id: str = "bench", page_path: str | None = None
) -> bytes:
    """One event as an NDJSON line; a view of `page_path` where that is given."""
    kind = "page_view" if page_path else rng.choices(_TYPES, _TYPE_WEIGHTS)[0]
    path = page_path or rng.choices(_PAGES, _PAGE_WEIGHTS)[0]
    event: dict[str, Any] = {
        "event_timestamp": _PLACEHOLDER_MS,
        "event_id": f"{rng.getrandbits(128):032x}",
        "event_type": kind,
        "anonymous_id": visitor,
        "site_id": site_id,
        "page_url": f"https://www.example.com{path}{rng.choice(_CAMPAIGNS)}",
        "page_title": path.rpartition("/")[2].replace("-", " ").title(),
        "referrer": rng.choice(_REFERRERS),
        "user_agent": rng.choice(_AGENTS),
        "ip_address": f"203.0.113.{rng.randrange(256)}",
        "language": "en-GB",
        "timezone": "Europe/London",
        "screen_width": 1920,
        "screen_height": 1080,
        "viewport_width": 1280,
        "viewport_height": 720,
        "tracker": "bench",
        "schema_version": "1",
    }
    event |= _fields_of_type(rng, kind)
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _fields_of_type(rng: random.Random, kind: str) -> dict[str, Any]:
    if kind == "page_view":
        load_time = round(rng.lognormvariate(7, 0.5), 1)
        return {
            "load_time_ms": load_time,
            "ttfb_ms": round(load_time * 0.2, 1),
            "fcp_ms": round(load_time * 0.5, 1),
            "lcp_ms": round(load_time * 0.8, 1),
            "cls": round(rng.random() * 0.3, 3),
        }
    if kind == "click":
        return {"element_id": "buy", "element_tag": "button", "x": 640, "y": 360}
    if kind == "scroll":
        return {"scroll_depth_percent": rng.randrange(101)}
    return {"event_name": "purchase", "value": round(rng.uniform(5, 200), 2), "currency": "USD"}


def read_events(file: str, first: int, count: int) -> Iterator[bytes]:
    """`count` event lines (without line end) of the set, from the one at `first` on."""
    with Path(file).open("rb") as lines:
        for number, line in enumerate(lines):
            if number >= first + count:
                return
            if number >= first:
                yield line[:-1]


def stamp(event: bytes, time_ms: int) -> bytes:
    """The event with another time."""
    return b"%b%d%b" % (event[: TIME_SLICE.start], time_ms, event[TIME_SLICE.stop :])
