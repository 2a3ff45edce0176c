"""Gold: what happened on each page, and the sessions that began there, ended there, saw it."""

from __future__ import annotations

from schemas.gold.partials import (
    IS_PAGE_VIEW,
    PAGE_VIEWS,
    SESSION_DIMENSIONS,
    VISITORS,
    count_visitors,
    percentile,
    sketch_values,
)
from schemas.table import GoldTable, Metric

_IS_SCROLL = "event_type = 'scroll' AND page_path IS NOT NULL"

PAGES = GoldTable(
    name="gold.pages",
    help="Page views, and how far was scrolled, by page and hour.",
    source="silver.events",
    where=f"{IS_PAGE_VIEW} OR ({_IS_SCROLL})",
    time="event_time",
    dimensions={
        "site_id": "site_id",
        "page_path": "page_path",
        "is_bot": "is_bot",
        "device_type": "device_type",
        "country": "country",
    },
    stored={
        "page_views": PAGE_VIEWS,
        "visitors": f"{VISITORS} FILTER (WHERE {IS_PAGE_VIEW})",
        "load_time": f"{sketch_values('load_time_ms')} FILTER (WHERE {IS_PAGE_VIEW})",
        "scrolls": f"count_if({_IS_SCROLL})",
        "scroll_depth_sum": f"sum(scroll_depth_percent) FILTER (WHERE {_IS_SCROLL})",
    },
    metrics=(
        Metric("page_views", "sum(page_views)", "Page views."),
        count_visitors(),
        Metric("load_time_p50_ms", percentile("load_time", 0.5), "Median load time.", "ms"),
        Metric("load_time_p90_ms", percentile("load_time", 0.9), "90th percentile.", "ms"),
        Metric("load_time_p99_ms", percentile("load_time", 0.99), "99th percentile.", "ms"),
        Metric(
            "avg_scroll_depth_percent",
            "try_divide(sum(scroll_depth_sum), sum(scrolls))",
            "Mean depth that scroll events on the page tell.",
            "percent",
        ),
    ),
)

ENTRY_PAGES = GoldTable(
    name="gold.entry_pages",
    help="Sessions by the page they began on and hour.",
    source="silver.sessions",
    where="entry_page IS NOT NULL",
    time="session_start",
    dimensions={"site_id": "site_id", "page_path": "entry_page", **SESSION_DIMENSIONS},
    stored={"entries": "count(1)", "bounces": "count_if(is_bounce)"},
    metrics=(
        Metric("entries", "sum(entries)", "Sessions that began here."),
        Metric(
            "bounce_rate",
            "try_divide(sum(bounces), sum(entries))",
            "Share of the sessions that began here and did not engage.",
            "ratio",
        ),
    ),
)

EXIT_PAGES = GoldTable(
    name="gold.exit_pages",
    help="Sessions by the page they ended on and hour of their start.",
    source="silver.sessions",
    where="exit_page IS NOT NULL",
    time="session_start",
    dimensions={"site_id": "site_id", "page_path": "exit_page", **SESSION_DIMENSIONS},
    stored={"exits": "count(1)"},
    metrics=(Metric("exits", "sum(exits)", "Sessions that ended here."),),
)

PAGE_ENGAGEMENT = GoldTable(
    name="gold.page_engagement",
    help="Engaged time by page and hour of the session's start.",
    source="silver.sessions",
    time="session_start",
    unnest="pages",
    dimensions={"site_id": "site_id", "page_path": "page_path", **SESSION_DIMENSIONS},
    stored={"visits": "count(1)", "engaged_s": "sum(engaged_s)"},
    metrics=(
        Metric(
            "avg_engaged_time_s",
            "try_divide(sum(engaged_s), sum(visits))",
            "Mean engaged time of the sessions that saw the page.",
            "s",
        ),
    ),
)
