"""What simulated NDJSON comes to, counted from its bytes alone, unlike `traffic/truth.py`.

From lines to plain numbers. Malformed records, copies, bots and wrong clocks are recognised by what
is in the line, not by what the generator says of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

import crawleruseragents

from tests.streaming.reference_sessions import DIRECT, find_sessions

Event = dict[str, Any]

TYPES = {
    *("page_view", "click", "scroll", "form_submit"),
    *("video_play", "custom_event", "session_start", "session_end"),
}
REQUIRED = {
    "page_view": ("page_url",),
    "scroll": ("scroll_depth_percent",),
    "form_submit": ("form_id",),
    "video_play": ("video_id",),
    "custom_event": ("event_name",),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS = ("load_time_ms", "cls", "scroll_depth_percent", "value")


class Rejected(Exception):
    """The line is no event; the message is the reason."""


@dataclass
class Recount:
    """Events by identity, and what was left out."""

    events: list[Event] = field(default_factory=list)
    invalid: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    conflicts: int = 0


def recount(lines: Iterable[bytes], now: datetime) -> Recount:
    """Read all lines; `now` is when they are sent at the latest."""
    counted, seen = Recount(), dict[tuple[str, str], Event]()
    for line in lines:
        try:
            event = read_event(line)
        except Rejected as reason:
            counted.invalid[str(reason)] += 1
            continue
        identity = event["site_id"], event["event_id"]
        if identity in seen:
            counted.duplicates += 1
            counted.conflicts += seen[identity] != event
            continue
        seen[identity] = event
        counted.events.append(event | describe(event, now))
    flag_bots(counted.events)
    return counted


def read_event(line: bytes) -> Event:
    """The event in a line. Raises Rejected."""
    if len(line) > 1024 * 1024:
        raise Rejected("too_large")
    if line.startswith(b"\xef\xbb\xbf"):
        raise Rejected("byte_order_mark")
    try:
        event = json.loads(line.decode(), object_pairs_hook=_refuse_twice, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise Rejected("not_utf8") from error
    except ValueError as error:
        raise Rejected("not_json") from error
    except RecursionError as error:
        raise Rejected("too_deep") from error
    if not isinstance(event, dict):
        raise Rejected("not_an_object")
    if _depth(event) > 999:
        raise Rejected("too_deep")
    _check_fields(event)
    return event


def _refuse_twice(pairs: list[tuple[str, Any]]) -> Event:
    if len(dict(pairs)) < len(pairs):
        raise Rejected("duplicate_key")
    return dict(pairs)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, dict | list) and value:
        inner = value.values() if isinstance(value, dict) else value
        value = next((v for v in inner if isinstance(v, dict | list)), None)
        depth += 1
    return depth


def _check_fields(event: Event) -> None:
    kind = event.get("event_type")
    always = ("event_id", "event_type", "event_timestamp")
    if not all(event.get(name) for name in (*always, *REQUIRED.get(str(kind), ()))):
        raise Rejected("missing_field")
    if not (event.get("anonymous_id") or event.get("user_id")):
        raise Rejected("missing_field")
    if kind not in TYPES:
        raise Rejected("unknown_event_type")
    if any(len(event.get(name, "")) > 128 for name in ("event_id", "anonymous_id", "user_id")):
        raise Rejected("invalid_length")
    for name in ("event_timestamp", "sent_timestamp"):
        if name in event:
            read_time(event[name])
    if kind == "page_view" and not re.match(r"https?://[^/]", event["page_url"]):
        raise Rejected("invalid_url")
    for name in NUMBERS:
        value = event.get(name, 0)
        is_good = isinstance(value, int | float) and (value >= 0 or name == "value")
        if not is_good or (name == "scroll_depth_percent" and value > 100):
            raise Rejected("invalid_number")


def read_time(value: int | str) -> datetime:
    """ISO-8601 with offset, or epoch milliseconds. Raises Rejected."""
    if isinstance(value, int):
        return EPOCH + timedelta(milliseconds=value)
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise Rejected("invalid_timestamp") from error
    if time.tzinfo is None:
        raise Rejected("invalid_timestamp")
    return time.astimezone(UTC)


def describe(event: Event, now: datetime) -> Event:
    """What `find_sessions` wants to know of an event."""
    time, is_dated = read_time(event["event_timestamp"]), True
    if "sent_timestamp" in event:
        # When it arrived is not in the line; that there are days between does not matter here.
        time, is_dated = now - (read_time(event["sent_timestamp"]) - time), False
    elif time > now:
        time, is_dated = now, False
    url = event["page_url"]
    path = re.sub(r"(?<=/account/).*(?=/orders)", "[email]", urlsplit(url).path or "/")
    tags = {name[4:]: v[0] for name, v in parse_qs(urlsplit(url).query).items()}
    link = urlsplit(event.get("referrer", ""))
    is_outside = bool(link.hostname) and link.hostname != urlsplit(url).hostname
    source = tags.get("source") or (link.hostname if is_outside else DIRECT)
    is_sale = event["event_type"] == "custom_event" and "value" in event
    value = Decimal(str(event.get("value", 0)))
    return {
        "event_time": time,
        "is_dated": is_dated,
        "visitor_id": event.get("anonymous_id") or event["user_id"],
        "user_id": event.get("user_id"),
        "page_path": path,
        "source": source,
        "medium": tags.get("medium"),
        "campaign": tags.get("campaign"),
        "is_conversion": is_sale,
        "revenue": value if is_sale and event.get("currency", "USD") == "USD" else None,
    }


def flag_bots(events: list[Event]) -> None:
    """`is_bot`: the agent says so; `is_scripted`: dozens of page views at an even, fast pace."""
    by_visitor = defaultdict(list)
    for event in events:
        by_visitor[event["site_id"], event["visitor_id"]].append(event)
    for acts in by_visitor.values():
        agent = acts[0]["user_agent"]
        is_bot = not agent or crawleruseragents.is_crawler(agent)
        times = sorted(act["event_time"] for act in acts)
        gaps = [(b - a).total_seconds() for a, b in zip(times, times[1:], strict=False)]
        is_scripted = not is_bot and len(acts) >= 40 and median(gaps) < 0.5
        for act in acts:
            act["is_bot"], act["is_scripted"] = is_bot, is_scripted


def count_sessions(events: Iterable[Event]) -> dict[str, Any]:
    """The numbers of `sessions` in the truth."""
    consenting = [event for event in events if event.get("consent_analytics", True)]
    sessions = find_sessions(consenting)
    return {
        "sessions": len(sessions),
        "engaged_sessions": sum(session["is_engaged"] for session in sessions),
        "bounces": sum(session["is_bounce"] for session in sessions),
        "page_views": sum(session["page_views"] for session in sessions),
        "conversions": sum(session["conversions"] for session in sessions),
        "duration_sum_s": round(sum(session["duration_s"] for session in sessions), 3),
        "revenue": float(sum(session["revenue"] for session in sessions)),
    }


def select(events: Iterable[Event], population: str, site: str | None) -> Iterator[Event]:
    """Those of one population and site."""
    for event in events:
        if population != "all" and event["is_bot"]:
            continue
        if population == "without_bots" and event["is_scripted"]:
            continue
        if site is None or event["site_id"] == site:
            yield event
