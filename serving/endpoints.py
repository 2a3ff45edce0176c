"""Which metrics each path answers with, and from which Gold tables: one declaration per path.

Parameters, SQL, response models, routes and documentation all derive from these.
"""

from __future__ import annotations

from schemas.gold.conversions import CONVERSIONS
from schemas.gold.devices import DEVICE_SESSIONS, DEVICES
from schemas.gold.geo import GEO, GEO_SESSIONS
from schemas.gold.pages import ENTRY_PAGES, EXIT_PAGES, PAGE_ENGAGEMENT, PAGES
from schemas.gold.partials import distinct
from schemas.gold.performance import PERFORMANCE, rate
from schemas.gold.realtime import REALTIME
from schemas.gold.sessions import SESSIONS
from schemas.table import Metric
from serving.endpoint import Endpoint

_EVENT_FILTERS = ("device_type", "country")
_SESSION_FILTERS = (*_EVENT_FILTERS, "channel", "source", "medium", "campaign")

PAGES_ENDPOINT = Endpoint(
    path="/pages",
    title="Views, visitors and load times of each page, and the sessions that saw it.",
    help="The most viewed come first. Distinct visitors are an estimate within 2 % (at 95 %). "
    "Entries, exits, bounces and engaged time are of closed sessions, by their start.",
    tables=(PAGES, ENTRY_PAGES, EXIT_PAGES, PAGE_ENGAGEMENT),
    group_by=("page_path",),
    columns=(
        "page_views",
        "unique_visitors",
        "entries",
        "exits",
        "bounce_rate",
        "avg_engaged_time_s",
        "load_time_p50_ms",
        "load_time_p90_ms",
        "load_time_p99_ms",
        "avg_scroll_depth_percent",
    ),
    order_by=("page_views DESC",),
    filters=("page_path", *_EVENT_FILTERS),
)

SESSIONS_ENDPOINT = Endpoint(
    path="/sessions",
    title="Sessions by the time of their start.",
    help="One row, or one per `interval`, none if there are none. Sessions are counted once they "
    "are closed: `meta.complete_until` says up to when all are.",
    tables=(SESSIONS,),
    columns=tuple(metric.name for metric in SESSIONS.metrics),
    filters=_SESSION_FILTERS,
)

VIEWS_ENDPOINT = Endpoint(
    path="/views",
    title="Page views and visitors, of every event.",
    help="One row, or one per `interval`, none if there are none. Those of closed sessions: "
    "`/sessions`.",
    tables=(DEVICES,),
    columns=("page_views", "unique_visitors"),
    filters=_EVENT_FILTERS,
)

TRAFFIC_SOURCES_ENDPOINT = Endpoint(
    path="/traffic-sources",
    title="Where sessions came from, and what came of them.",
    help="Closed sessions, by the source of each: that of its first event that has one. "
    "`group_by=channel` gives one row per channel.",
    tables=(SESSIONS,),
    group_by=("channel", "source", "medium", "campaign"),
    can_pick=True,
    columns=("sessions", "unique_visitors", "bounce_rate", "conversions", "revenue"),
    order_by=("sessions DESC",),
    filters=_SESSION_FILTERS,
)

DEVICES_ENDPOINT = Endpoint(
    path="/devices",
    title="On what visitors came.",
    help="Visitors and page views of every event; sessions are closed ones, by the device of "
    "their first event. `share` is of all sessions of the selection (and of the interval).",
    tables=(DEVICES, DEVICE_SESSIONS),
    group_by=("device_type", "browser", "os"),
    can_pick=True,
    columns=("sessions", "unique_visitors", "page_views", "share"),
    order_by=("sessions DESC", "page_views DESC"),
    filters=_EVENT_FILTERS,
    derived=(
        Metric(
            "share",
            "try_divide(sessions, sum(sessions) OVER whole)",
            "Share of all sessions of the selection.",
            "ratio",
        ),
    ),
)

GEO_ENDPOINT = Endpoint(
    path="/geo",
    title="Where visitors were.",
    help="By the address of each event; sessions are closed ones, by the place of their first "
    "event. Null: the place is not known, or the database has no cities.",
    tables=(GEO, GEO_SESSIONS),
    group_by=("country", "city"),
    can_pick=True,
    columns=("sessions", "unique_visitors", "page_views"),
    order_by=("sessions DESC", "page_views DESC"),
    filters=_EVENT_FILTERS,
)

PERFORMANCE_ENDPOINT = Endpoint(
    path="/performance",
    title="How fast pages are for their visitors.",
    help="One row per metric over all pages, or per metric and page with `group_by=page_path` or "
    "a `page_path`. Times are in milliseconds, `cls` has no unit. `rating` is that of the 75th "
    "percentile by the limits of web.dev; of `load_time_ms` there are none.",
    tables=(PERFORMANCE,),
    group_by=("metric",),
    optional=("page_path",),
    can_pick=True,
    columns=("samples", "p50", "p75", "p90", "p99", "rating"),
    order_by=("metric", "samples DESC"),
    filters=("page_path", *_EVENT_FILTERS),
    derived=(Metric("rating", rate("metric", "p75"), "good, needs-improvement or poor.", "text"),),
)

CONVERSIONS_ENDPOINT = Endpoint(
    path="/conversions",
    title="Conversions by the name of the event.",
    help="`conversion_rate` is the share of all visitors of the selection who converted so; "
    "`event_name` does not narrow these. By channel or source: `/traffic-sources`.",
    tables=(CONVERSIONS, DEVICES),
    group_by=("event_name",),
    columns=("conversions", "unique_visitors", "conversion_rate", "value"),
    order_by=("conversions DESC",),
    filters=("event_name", *_EVENT_FILTERS),
    hidden=(Metric("all_visitors", distinct("visitors"), "Distinct visitors with any event."),),
    derived=(
        Metric(
            "conversion_rate",
            "least(try_divide(unique_visitors, max(all_visitors) OVER whole), 1D)",
            "Share of all visitors who converted.",
            "ratio",
        ),
    ),
    only="event_name IS NOT NULL",
)

REALTIME_ENDPOINT = Endpoint(
    path="/realtime",
    title="What happens now: the last 30 minutes.",
    help="`kind` says what a row is about: `total` (one row), `minute` (by `bucket`; minutes "
    "without any event are left out), `page`, `source` and `country` (the first `limit` of each "
    "by visitors). The last minute is still running.",
    tables=(REALTIME,),
    columns=("unique_visitors", "page_views"),
    kinds={
        "total": None,
        "minute": "bucket",
        "page": "page_path",
        "source": "source",
        "country": "country",
    },
    ranked=("page", "source", "country"),
    order_by=("unique_visitors DESC", "page_views DESC"),
    filters=("country",),
)

ENDPOINTS = (
    PAGES_ENDPOINT,
    VIEWS_ENDPOINT,
    SESSIONS_ENDPOINT,
    TRAFFIC_SOURCES_ENDPOINT,
    DEVICES_ENDPOINT,
    GEO_ENDPOINT,
    PERFORMANCE_ENDPOINT,
    CONVERSIONS_ENDPOINT,
    REALTIME_ENDPOINT,
)
