"""Records that must be rejected: for each reason, ways to spoil an event so that just it applies.

From a good event to bytes, or to nothing for a tombstone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random

from schemas.event import MAX_EVENT_BYTES, MAX_IDENTIFIER_LENGTH, MAX_NESTING
from schemas.reject import RejectReason
from traffic.actions import Event

Spoil = Callable[[Event], bytes | None]

_DEEP = MAX_NESTING + 200
_LONG = "x" * (MAX_IDENTIFIER_LENGTH + 1)


def _dump(event: Event, **changes: object) -> bytes:
    changed = {name: value for name, value in (event | changes).items() if value is not None}
    return json.dumps(changed, separators=(",", ":")).encode()


def _with(**changes: object) -> Spoil:
    """Replace fields; None takes one away."""
    return lambda event: _dump(event, **changes)


def _behind(tail: bytes) -> Spoil:
    """The event without its last brace, and something else behind it."""
    return lambda event: _dump(event)[:-1] + tail


SPOILED: dict[RejectReason, tuple[Spoil, ...]] = {
    RejectReason.TOMBSTONE: (lambda _: None,),
    RejectReason.EMPTY: (lambda _: b"", lambda _: b" \t "),
    RejectReason.TOO_LARGE: (lambda event: _dump(event, properties={"x": "x" * MAX_EVENT_BYTES}),),
    RejectReason.NOT_UTF8: (_behind(b',"note":"caf\xe9"}'), _behind(b',"note":"\xc0\xaf"}')),
    RejectReason.BYTE_ORDER_MARK: (lambda event: b"\xef\xbb\xbf" + _dump(event),),
    RejectReason.TOO_DEEP: (
        _behind(b',"properties":' + b'{"a":' * _DEEP + b"1" + b"}" * _DEEP + b"}"),
        _behind(b',"properties":' + b"[" * _DEEP + b"]" * _DEEP + b"}"),
    ),
    RejectReason.NOT_JSON: (
        lambda event: _dump(event)[:-20],
        _behind(b',"value":NaN}'),
        _behind(b',"note":"a\tb"}'),
        _behind(b",}"),
        _behind(b'}{"event_id":"2"}'),
        lambda event: _dump(event).replace(b'"', b"'"),
        lambda _: b"GET / HTTP/1.1\r",
    ),
    RejectReason.NOT_AN_OBJECT: (
        lambda event: b"[" + _dump(event) + b"]",
        lambda _: b"null",
        lambda _: b'"event"',
    ),
    RejectReason.DUPLICATE_KEY: (_behind(b',"event_type":"click"}'),),
    RejectReason.MISSING_FIELD: (
        _with(event_id=None),
        _with(event_id=""),
        _with(event_type=None),
        _with(event_timestamp=None),
        _with(anonymous_id=None, user_id=None),
        _with(event_type="page_view", page_url=None),
        _with(event_type="scroll", scroll_depth_percent=None),
        _with(event_type="form_submit", form_id=None, form_name=None),
        _with(event_type="video_play", video_id=None),
        _with(event_type="custom_event", event_name=None),
    ),
    RejectReason.UNKNOWN_EVENT_TYPE: (_with(event_type="pageview"), _with(event_type="PAGE_VIEW")),
    RejectReason.INVALID_LENGTH: (
        _with(event_id=_LONG),
        _with(anonymous_id=_LONG),
        _with(user_id=_LONG),
    ),
    RejectReason.INVALID_TIMESTAMP: (
        _with(event_timestamp="yesterday"),
        _with(event_timestamp="2026-13-45T00:00:00Z"),
        _with(event_timestamp="2026-03-01T12:00:00"),  # no offset
        _with(sent_timestamp="soon"),
    ),
    RejectReason.INVALID_URL: (
        _with(event_type="page_view", page_url="/only/a/path"),
        _with(event_type="page_view", page_url="javascript:void(0)"),
        _with(event_type="page_view", page_url="https://"),
    ),
    RejectReason.INVALID_NUMBER: (
        _with(event_type="scroll", scroll_depth_percent=250),
        _with(event_type="custom_event", event_name="purchase", value="a lot"),
        _with(load_time_ms=-5),
        _with(cls="1e999"),
    ),
}
# A mebibyte each: few are enough.
_WEIGHTS = [0.002 if reason is RejectReason.TOO_LARGE else 1.0 for reason in SPOILED]


def draw_malformed(rng: Random) -> Iterator[tuple[RejectReason, Spoil]]:
    """Ways to spoil an event, without end: first each reason once, then by chance."""
    reasons = list(SPOILED)
    first = list(reasons)
    rng.shuffle(first)
    while True:
        reason = first.pop() if first else rng.choices(reasons, weights=_WEIGHTS)[0]
        yield reason, rng.choice(SPOILED[reason])
