"""What the poison corpus is made of: a valid event to spoil, and what one poisoned record is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from schemas.reject import RejectReason

# With a field of every kind, and characters of one to four bytes.
SAMPLE: dict[str, Any] = {
    "event_id": "e-1",
    "event_type": "page_view",
    "event_timestamp": 1715688000000,
    "anonymous_id": "v-1",
    "page_url": "https://shop.example/a?b=c#d",
    "page_title": 'Größe 世界 😀 "x" \\ \n',
    "consent_analytics": True,
    "user_id": None,
    "load_time_ms": -0.0,
    "cls": 1.5e-3,
    "properties": {"list": [1, {"a": []}], "text": "}"},
}
TEXT = json.dumps(SAMPLE, ensure_ascii=False).encode()
# What each type needs beyond identity, time and visitor.
NEEDS: dict[str, dict[str, Any]] = {
    "page_view": {"page_url": "https://shop.example/"},
    "click": {},
    "scroll": {"scroll_depth_percent": 50},
    "form_submit": {"form_id": "f"},
    "video_play": {"video_id": "v"},
    "custom_event": {"event_name": "n"},
    "session_start": {},
    "session_end": {},
}


@dataclass(frozen=True)
class Poison:
    """One record, and the first reason its dead letter must have."""

    name: str
    value: bytes | None
    reason: RejectReason


def make_text(event_type: str = "page_view", /, **changed: Any) -> bytes:
    """A valid event of the type as JSON, but for what is `changed`; None leaves a field out."""
    event = {
        "event_id": "e",
        "event_type": event_type,
        "event_timestamp": 1715688000000,
        "anonymous_id": "v",
        **NEEDS.get(event_type, {}),
        **changed,
    }
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def put(name: str, literal: bytes, event_type: str = "page_view") -> bytes:
    """A valid event, but for one field written literally."""
    text = make_text(event_type, **{name: "@@"})
    return text.replace(b'"@@"', literal)
