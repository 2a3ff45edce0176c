"""Gold: what happens now, minute by minute."""

from __future__ import annotations

from schemas.gold.partials import PAGE_VIEWS, VISITORS, count_visitors
from schemas.table import GoldTable, Metric

REALTIME = GoldTable(
    name="gold.realtime",
    help="Visitors and page views by page, source and minute.",
    source="silver.events",
    time="event_time",
    grain="minute",
    dimensions={name: name for name in ("site_id", "is_bot", "page_path", "source", "country")},
    stored={"page_views": PAGE_VIEWS, "visitors": VISITORS},
    metrics=(count_visitors(), Metric("page_views", "sum(page_views)", "Page views.")),
)
