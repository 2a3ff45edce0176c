"""Silver: one row per valid event, one row per session, and the duplicates that were left out."""

from __future__ import annotations

from schemas.bronze import COORDINATES
from schemas.event import BOOLEAN_FIELDS, INTEGER_FIELDS, NUMBER_FIELDS
from schemas.table import Column, Table

# Raise it when code that judges or enriches events changes; rules that are data have their own.
RULES_VERSION = "2"

_TEXT = (
    ("session_id", "The client's own session; kept, never trusted."),
    ("page_url", "As sent, personal data redacted."),
    ("page_host", "Host of page_url, lower case."),
    ("page_path", "Path of page_url, without query and fragment, `/` when empty."),
    ("page_title", "As sent, personal data redacted."),
    ("referrer", "As sent, personal data redacted."),
    ("referrer_host", "Host of referrer, lower case."),
    ("utm_source", "Query parameter of page_url."),
    ("utm_medium", "Query parameter of page_url."),
    ("utm_campaign", "Query parameter of page_url."),
    ("click_id_type", "Name of the first click id in page_url, as `gclid`."),
    ("source", "utm_source, else what a click id or the referrer says, else `(direct)`."),
    ("medium", "utm_medium, else what a click id or the referrer says, else `(none)`."),
    ("campaign", "utm_campaign."),
    ("channel", "Channel group (conf/rules/channels.yaml)."),
    ("user_agent", "As sent."),
    ("ip_address", "The network of the address: /24 or /48 (setting privacy.ip_address)."),
    ("language", "The first language of the browser, as `de-DE`."),
    ("timezone", "As sent."),
    ("device_type", "desktop, mobile, tablet, tv, console, watch, car or other."),
    ("browser", "Browser by the user agent, `Other` where unknown."),
    ("os", "Operating system by the user agent, `Other` where unknown."),
    ("country", "ISO-3166 code by the address; null for private and unknown ones."),
    ("city", "By the address, where the database has cities."),
    ("geo_database", "Name and date of the database that said so."),
    ("element_id", "As sent."),
    ("element_tag", "As sent."),
    ("element_text", "As sent, personal data redacted."),
    ("element_href", "As sent, personal data redacted."),
    ("form_id", "As sent."),
    ("form_name", "As sent."),
    ("video_id", "As sent."),
    ("event_name", "As sent."),
    ("currency", "As sent."),
    ("properties", "The free object and unknown fields, as JSON; personal data redacted."),
    ("tracker", "As sent."),
    ("schema_version", "As sent."),
    ("bot_reason", "Why is_bot is true (schemas.bots.BotReason)."),
)

BODY_HASH = Column(
    "body_hash", "bigint", "Of all fields but sent_timestamp: a copy with another one is no copy."
)

EVENTS = Table(
    name="silver.events",
    help="One valid event, exactly once over all history.",
    columns=(
        Column("site_id", "string", "Site; `default` where the client named none."),
        Column("event_id", "string", "With site_id the identity of the event."),
        Column("event_type", "string", "One of the eight types."),
        Column("event_time", "timestamp", "When it happened, by the corrected client clock."),
        Column("event_date", "date", "UTC day of event_time; partition."),
        Column("event_hour", "int", "UTC hour of event_time."),
        Column("visitor_id", "string", "anonymous_id, else user_id; null without consent."),
        Column("anonymous_id", "string", "As sent."),
        Column("user_id", "string", "As sent."),
        Column("client_time", "timestamp", "The client's clock at the event; no copy differs."),
        Column("arrival_time", "timestamp", "When the record arrived."),
        Column("stream_time", "timestamp", "See bronze.events."),
        Column("is_late", "boolean", "Too late for the session windows; partition."),
        *(Column(name, "string", text) for name, text in _TEXT),
        *(Column(name, "int", "As sent.") for name in INTEGER_FIELDS),
        *(Column(name, "double", "As sent.") for name in NUMBER_FIELDS),
        *(Column(name, "boolean", "As sent.") for name in BOOLEAN_FIELDS),
        Column("is_conversion", "boolean", "A rule counts this event as a conversion."),
        Column("revenue", "decimal(18,4)", "value in the site's currency, of a conversion."),
        Column("is_bot", "boolean", "Flagged as automated traffic."),
        Column("pii_flags", "array<string>", "Kinds of personal data found."),
        Column("quality_score", "double", "1 less the weights of the flags."),
        Column("quality_flags", "array<string>", "Expectations the event did not meet."),
        Column("rules_version", "string", "Version of the rules that judged it."),
        BODY_HASH,
        *COORDINATES,
    ),
    partition_by=("event_date", "is_late"),
    stats_columns=("event_time", "client_time", "arrival_time"),
    has_change_feed=True,
)

DUPLICATES = Table(
    name="silver.duplicates",
    help="One record whose event silver.events already had; with its Kafka coordinates.",
    columns=(
        *COORDINATES,
        Column("site_id", "string", "Site."),
        Column("event_id", "string", "With site_id the identity of the event."),
        Column("arrival_time", "timestamp", "When the copy arrived."),
        Column("arrival_date", "date", "UTC day of arrival_time; partition."),
        Column("tier", "string", "How it was recognised (schemas.reject.DuplicateTier)."),
        BODY_HASH,
    ),
    partition_by=("arrival_date",),
    stats_columns=("arrival_time",),
)

SESSIONS = Table(
    name="silver.sessions",
    help="One closed session.",
    columns=(
        Column("session_id", "string", "Hash of site, visitor and first event's time."),
        Column("site_id", "string", "Site."),
        Column("visitor_id", "string", "Visitor."),
        Column("user_id", "string", "The last one seen in the session."),
        Column("session_start", "timestamp", "event_time of the first event."),
        Column("session_end", "timestamp", "event_time of the last event."),
        Column("session_date", "date", "UTC day of session_start; partition."),
        Column("duration_s", "double", "session_end less session_start, seconds."),
        Column("event_count", "bigint", "Events."),
        Column("page_views", "bigint", "Events of type page_view."),
        Column("is_engaged", "boolean", ">= 10 s, or >= 2 page views, or >= 1 conversion (GA4)."),
        Column("is_bounce", "boolean", "Not engaged."),
        Column("entry_page", "string", "page_path of the first page view."),
        Column("exit_page", "string", "page_path of the last page view."),
        Column("source", "string", "Of the first event with a source, else `(direct)`."),
        Column("medium", "string", "Belongs to source."),
        Column("campaign", "string", "Belongs to source."),
        Column("channel", "string", "Belongs to source."),
        Column("device_type", "string", "Of the first event."),
        Column("browser", "string", "Of the first event."),
        Column("os", "string", "Of the first event."),
        Column("country", "string", "Of the first event."),
        Column("city", "string", "Of the first event."),
        Column("conversions", "bigint", "Events that are conversions."),
        Column("revenue", "decimal(28,4)", "Sum in the site's currency."),
        Column("engaged_time_s", "double", "Time with visible activity (docs/metrics.md)."),
        Column(
            "pages",
            "array<struct<page_path:string,engaged_s:double>>",
            "Pages with activity, by path, and the engaged time on each.",
        ),
        Column("is_bot", "boolean", "Any event was flagged."),
        Column("bot_reason", "string", "Of the first flagged event."),
    ),
    partition_by=("session_date",),
    stats_columns=("session_start", "session_end"),
    has_change_feed=True,
)

HEARTBEATS = Table(
    name="ops.heartbeats",
    help="Times up to which every arrived record is in silver.events; moves the session watermark.",
    columns=(Column("complete_at", "timestamp", "Nothing that arrived before is outstanding."),),
)
