"""The poison corpus: records that must become dead letters, each with its first reason.

Deterministic; for tests, and for whoever wants to feed a stream with it.
"""

from __future__ import annotations

from schemas.event import MAX_EVENT_BYTES
from tests.streaming.poison_fields import make_invalid
from tests.streaming.poison_shape import TEXT, Poison, make_text, put
from tests.streaming.poison_text import make_malformed


def make_corpus() -> list[Poison]:
    """Every record of the corpus; names are unique."""
    return [*make_malformed(), *make_invalid()]


# Looks like poison, and is none: these must pass.
HARMLESS: dict[str, bytes] = {
    "the sample": TEXT,
    "exactly the greatest size": TEXT.ljust(MAX_EVENT_BYTES),
    "a title of nearly 1 MiB": make_text(page_title="x" * (MAX_EVENT_BYTES - 300)),
    "998 arrays below the object": put("properties", b"[" * 998 + b"]" * 998),
    "998 objects below, unknown": put("unknown", b'{"a":' * 998 + b"1" + b"}" * 998),
    "braces in text": make_text(page_title="}{][" * 1000),
    "minus zero": put("value", b"-0"),
    "minus nothing, very small": put("value", b"-1e-400"),
    "1,000 digits": put("value", b"0." + b"1" * 990),
    "half an emoji": put("page_title", b'"\\ud83d"'),
    "the wrong half of an emoji": put("event_id", b'"\\udc00x"'),
    "halves in the wrong order": put("page_title", b'"\\ude00\\ud83d"'),
    "NUL": put("page_title", b'"a\\u0000b"'),
    "NUL in the id": put("event_id", b'"a\\u0000b"'),
    "escaped names": make_text().replace(b"event_id", b"\\u0065vent_id"),
    "one key twice inside": put("properties", b'{"a":1,"a":2}'),
    "1e400 inside": put("properties", b'{"a":1e400}'),
    "an empty name": make_text(**{"": 1}),
    "the parser's own column": make_text(_malformed="x"),
    "names of two cases": make_text(Event_ID="x"),
    "10,000 unknown fields": make_text(**{f"f{number}": number for number in range(10_000)}),
    "year 9999": make_text(event_timestamp="9999-12-31T23:59:59Z"),
    "year 0": make_text(event_timestamp="0000-01-01T00:00:00Z"),
    "epoch 0": make_text(event_timestamp=0),
    "14 digits": make_text(event_timestamp=99_999_999_999_999),
    "14 digits before": make_text(event_timestamp=-99_999_999_999_999),
    "bad escapes in the URL": make_text(page_url="https://shop.example/%zz?w=100%"),
    "identifiers of 128": make_text(event_id="é" * 128, anonymous_id="😀" * 128),
    "braces around the id": make_text(event_id="{8c3d2a1f-0000-4000-8000-000000000000}"),
    "integers that are none": make_text(screen_width={}, x="left", y=1e300, viewport_width=True),
    "currency that is none": make_text("custom_event", value=1, currency={"code": "EUR"}),
}
