"""The event as clients send it (CONTRACT section 1): names, types, and what each type requires.

Bronze parses every field as text, so a client that changes a type can never make a record
unreadable; Silver casts them as declared here. Plain constants, so that importing costs nothing;
`tests/schemas/test_event_models.py` holds them against the models of `schemas/event_models.py`.
"""

from __future__ import annotations

EVENT_TYPES = (
    "page_view",
    "click",
    "scroll",
    "form_submit",
    "video_play",
    "custom_event",
    "session_start",
    "session_end",
)

DEFAULT_SITE = "default"
MAX_IDENTIFIER_LENGTH = 128
# What broken clients send for want of an identifier (lower case, trimmed); it identifies nobody.
NOT_IDENTIFIERS = ("", "null", "undefined", "nan", "true", "false", "[object object]")
MAX_EVENT_BYTES = 1024 * 1024
# Jackson, which parses JSON inside Spark, follows 1,000 levels; the check for text after the
# record's end adds one.
MAX_NESTING = 999

# Field -> Spark SQL type in Silver. The order is the order of the columns.
TEXT_FIELDS = (
    "event_id",
    "event_type",
    "anonymous_id",
    "user_id",
    "site_id",
    "session_id",
    "page_url",
    "page_title",
    "referrer",
    "user_agent",
    "ip_address",
    "language",
    "timezone",
    "element_id",
    "element_tag",
    "element_text",
    "element_href",
    "form_id",
    "form_name",
    "video_id",
    "event_name",
    "currency",
    "properties",
    "tracker",
    "schema_version",
)
TIME_FIELDS = ("event_timestamp", "sent_timestamp")
INTEGER_FIELDS = ("screen_width", "screen_height", "viewport_width", "viewport_height", "x", "y")
BOOLEAN_FIELDS = ("form_success", "consent_analytics")
# Numbers with their closed range; None: unbounded on that side.
NUMBER_FIELDS: dict[str, tuple[float | None, float | None]] = {
    "load_time_ms": (0, None),
    "ttfb_ms": (0, None),
    "dom_interactive_ms": (0, None),
    "fcp_ms": (0, None),
    "lcp_ms": (0, None),
    "inp_ms": (0, None),
    "cls": (0, None),
    "scroll_depth_percent": (0, 100),
    "video_position_s": (0, None),
    "video_duration_s": (0, None),
    "value": (None, None),
}

EVENT_FIELDS = TEXT_FIELDS + TIME_FIELDS + INTEGER_FIELDS + BOOLEAN_FIELDS + tuple(NUMBER_FIELDS)

# Event type -> groups of fields; of each group at least one is required.
REQUIRED_BY_TYPE: dict[str, tuple[tuple[str, ...], ...]] = {
    "page_view": (("page_url",),),
    "scroll": (("scroll_depth_percent",),),
    "form_submit": (("form_id", "form_name"),),
    "video_play": (("video_id",),),
    "custom_event": (("event_name",),),
}
REQUIRED_ALWAYS: tuple[tuple[str, ...], ...] = (
    ("event_id",),
    ("event_type",),
    ("event_timestamp",),
    ("anonymous_id", "user_id"),
)

# How from_json reads a record: strict JSON only, and the text kept where it does not parse.
MALFORMED_COLUMN = "_malformed"
JSON_SCHEMA = ", ".join(f"`{name}` string" for name in (*EVENT_FIELDS, MALFORMED_COLUMN))
JSON_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": MALFORMED_COLUMN,
    "allowNonNumericNumbers": "false",
    "allowSingleQuotes": "false",
}
