"""Gold: on what visitors came; events at once, sessions when they are closed."""

from __future__ import annotations

from schemas.gold.partials import PAGE_VIEWS, VISITORS, count_visitors
from schemas.table import GoldTable, Metric

_DIMENSIONS = {
    name: name for name in ("site_id", "is_bot", "device_type", "browser", "os", "country")
}

DEVICES = GoldTable(
    name="gold.devices",
    help="Visitors and page views by device and hour.",
    source="silver.events",
    time="event_time",
    dimensions=_DIMENSIONS,
    stored={"page_views": PAGE_VIEWS, "visitors": VISITORS},
    metrics=(Metric("page_views", "sum(page_views)", "Page views."), count_visitors()),
)

DEVICE_SESSIONS = GoldTable(
    name="gold.device_sessions",
    help="Closed sessions by the device of their first event and hour of their start.",
    source="silver.sessions",
    time="session_start",
    dimensions=_DIMENSIONS,
    stored={"sessions": "count(1)", "bounces": "count_if(is_bounce)"},
    metrics=(
        Metric("sessions", "sum(sessions)", "Sessions that started."),
        Metric(
            "bounce_rate",
            "try_divide(sum(bounces), sum(sessions))",
            "Share of sessions that did not engage.",
            "ratio",
        ),
    ),
)
