"""The fixed set of events: the same bytes for the same plan, except for their times.

Written once to `bench-data/events.ndjson`, about 700 bytes a line, from the visitors of
`bench/visitors.py` and the made-up world of `traffic/`: all eight types, campaigns, properties, a
little personal data. The time stands at a fixed place, so that `bench/send.py` can stamp the time
of sending without parsing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from bench.visitors import describe_visitor
from traffic.actions import draw_action, draw_vitals
from traffic.origins import ORIGINS

_T = TypeVar("_T")

# {"event_timestamp":1700000000000,"event_id":...
TIME_SLICE = slice(19, 32)
PLACEHOLDER_MS = 1_700_000_000_000

_EVENTS_PER_VISITOR = 6
_TYPES = {
    "page_view": 62,
    "scroll": 14,
    "click": 12,
    "custom_event": 5,
    "form_submit": 2,
    "video_play": 2,
    "session_start": 2,
    "session_end": 1,
}
_SITE = "https://www.example.com"
_PAGES = tuple(
    f"/{section}/{number:03d}-{section}-article"
    for section in ("blog", "shop", "docs", "help")
    for number in range(120)
)
_PAGE_WEIGHTS = tuple(accumulate(1 / rank for rank in range(1, len(_PAGES) + 1)))
_KINDS, _KIND_WEIGHTS = tuple(_TYPES), tuple(accumulate(_TYPES.values()))
_ORIGINS, _ORIGIN_WEIGHTS = tuple(ORIGINS), tuple(accumulate(ORIGINS.values()))
# What happens on the first page of a visit says what brought the visitor.
_LANDING_SHARE = 0.3
_PROPERTIES_SHARE, _SIGNAL_SHARE, _PERSONAL_SHARE = 0.3, 0.05, 0.01


@dataclass(frozen=True)
class EventSet:
    """The file and what is known about its content."""

    file: str
    warmup_events: int
    events: int
    visitors: int  # of both parts; each comes back within a session's gap
    page_views: int  # likewise
    mean_bytes: int


def write_event_set(
    path: str | Path, warmup_events: int, events: int, seed: int, site_id: str = "bench"
) -> EventSet:
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
            event = make_event(rng, visitor, site_id)
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
    """One event as an NDJSON line; a person's view of `page_path` where that is given."""
    path = page_path or _draw_page(rng)
    fields, device = describe_visitor(visitor, is_person=page_path is not None)
    kind = "page_view" if page_path or device is None else _draw(rng, _KINDS, _KIND_WEIGHTS)
    referrer, query = (None, "") if device is None else _tell_origin(rng, kind)
    event: dict[str, Any] = {
        "event_timestamp": PLACEHOLDER_MS,
        "event_id": f"{rng.getrandbits(128):032x}",
        "event_type": kind,
        "site_id": site_id,
        **fields,
        "page_url": f"{_SITE}{path}{query}",
        "page_title": path.rpartition("/")[2].replace("-", " ").title(),
        "tracker": "bench",
        "schema_version": "1",
    }
    if referrer is not None:
        event["referrer"] = referrer
    if kind == "page_view":
        event |= draw_vitals(rng, device)
    elif not kind.startswith("session_"):
        event |= draw_action(rng, kind)
    if page_path is None:
        event |= _draw_properties(rng)
        if rng.random() < _PERSONAL_SHARE:
            _plant_personal_data(rng, event)
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _tell_origin(rng: random.Random, kind: str) -> tuple[str | None, str]:
    """Referrer and query: on the landing page what brought the visitor, else the page before."""
    if rng.random() >= _LANDING_SHARE:
        return (_SITE + _draw_page(rng) if kind == "page_view" else None), ""
    origin = _draw(rng, _ORIGINS, _ORIGIN_WEIGHTS)
    return origin.referrer, origin.query


def _draw_properties(rng: random.Random) -> dict[str, Any]:
    if rng.random() >= _PROPERTIES_SHARE:
        return {}
    properties: dict[str, Any] = {
        "plan": rng.choice(("free", "team", "business")),
        "experiment": {"id": f"checkout-{rng.randrange(40)}", "arm": rng.choice("AB")},
        "items": rng.randrange(12),
    }
    if rng.random() < _SIGNAL_SHARE:
        properties["gpc"] = False  # sent, and no objection: every visitor still has a session
    return {"properties": properties}


def _plant_personal_data(rng: random.Random, event: dict[str, Any]) -> None:
    """Something personal where it does not belong, so that redaction has its work."""
    email, phone = f"anna.berg{rng.randrange(10**5)}@mail.example.com", "+1 202-555-0143"
    separator = "&" if "?" in event["page_url"] else "?"
    place = rng.randrange(4)
    if place == 0:
        event["page_title"] = f"Order of {email}"
    elif place == 1:
        event["page_url"] += f"{separator}email={email.replace('@', '%40')}"
    elif place == 2:
        event["page_url"] += f"{separator}token={rng.getrandbits(96):024x}"
    else:
        event["properties"] = {"step": 2, "note": f"customer said {phone}"}


def _draw_page(rng: random.Random) -> str:
    return _draw(rng, _PAGES, _PAGE_WEIGHTS)


def _draw(rng: random.Random, items: tuple[_T, ...], cumulated: tuple[float, ...]) -> _T:
    return rng.choices(items, cum_weights=cumulated)[0]


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
