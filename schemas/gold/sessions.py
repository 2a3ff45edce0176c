"""Gold: sessions, by where they came from and on what they ran."""

from __future__ import annotations

from schemas.gold.partials import (
    SESSION_DIMENSIONS,
    VISITORS,
    count_visitors,
    percentile,
    sketch_values,
)
from schemas.table import GoldTable, Metric

SESSIONS = GoldTable(
    name="gold.sessions",
    help="Closed sessions by hour of their start.",
    source="silver.sessions",
    time="session_start",
    dimensions={"site_id": "site_id", **SESSION_DIMENSIONS},
    stored={
        "sessions": "count(1)",
        "engaged": "count_if(is_engaged)",
        "bounces": "count_if(is_bounce)",
        "page_views": "sum(page_views)",
        "duration_sum_s": "sum(duration_s)",
        "engaged_time_sum_s": "sum(engaged_time_s)",
        "duration": sketch_values("duration_s"),
        "visitors": VISITORS,
        "conversions": "sum(conversions)",
        "revenue": "sum(revenue)",
    },
    metrics=(
        Metric("sessions", "sum(sessions)", "Sessions that started."),
        Metric("engaged_sessions", "sum(engaged)", "Sessions that engaged (GA4)."),
        Metric("bounces", "sum(bounces)", "Sessions that did not engage."),
        Metric(
            "bounce_rate",
            "try_divide(sum(bounces), sum(sessions))",
            "Share of sessions that did not engage.",
            "ratio",
        ),
        Metric(
            "avg_duration_s",
            "try_divide(sum(duration_sum_s), sum(sessions))",
            "Mean time from first to last event.",
            "s",
        ),
        Metric("duration_p50_s", percentile("duration", 0.5), "Median duration.", "s"),
        Metric("duration_p90_s", percentile("duration", 0.9), "90th percentile.", "s"),
        Metric(
            "pages_per_session",
            "try_divide(sum(page_views), sum(sessions))",
            "Mean page views of a session.",
            "ratio",
        ),
        count_visitors(),
        Metric("conversions", "sum(conversions)", "Conversions."),
        Metric("revenue", "sum(revenue)", "Value of conversions in the site's currency.", "money"),
        Metric(
            "avg_engaged_time_s",
            "try_divide(sum(engaged_time_sum_s), sum(sessions))",
            "Mean engaged time of a session.",
            "s",
        ),
        Metric("page_views", "sum(page_views)", "Page views of these sessions."),
    ),
)
