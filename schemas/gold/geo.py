"""Gold: where visitors were; events at once, sessions when they are closed."""

from __future__ import annotations

from schemas.gold.partials import PAGE_VIEWS, VISITORS, count_visitors
from schemas.table import GoldTable, Metric

_DIMENSIONS = {name: name for name in ("site_id", "is_bot", "country", "city", "device_type")}

GEO = GoldTable(
    name="gold.geo",
    help="Visitors and page views by place and hour.",
    source="silver.events",
    time="event_time",
    dimensions=_DIMENSIONS,
    stored={"page_views": PAGE_VIEWS, "visitors": VISITORS},
    metrics=(Metric("page_views", "sum(page_views)", "Page views."), count_visitors()),
)

GEO_SESSIONS = GoldTable(
    name="gold.geo_sessions",
    help="Closed sessions by the place of their first event and hour of their start.",
    source="silver.sessions",
    time="session_start",
    dimensions=_DIMENSIONS,
    stored={"sessions": "count(1)"},
    metrics=(Metric("sessions", "sum(sessions)", "Sessions that started."),),
)
