"""Gold: conversions by what they are called."""

from __future__ import annotations

from schemas.gold.partials import VISITORS, count_visitors
from schemas.table import GoldTable, Metric

CONVERSIONS = GoldTable(
    name="gold.conversions",
    help="Conversions by event name and hour.",
    source="silver.events",
    where="is_conversion",
    time="event_time",
    dimensions={
        "site_id": "site_id",
        "event_name": "coalesce(event_name, event_type)",
        "is_bot": "is_bot",
        "device_type": "device_type",
        "country": "country",
    },
    stored={"conversions": "count(1)", "converted": VISITORS, "value": "sum(revenue)"},
    metrics=(
        Metric("conversions", "sum(conversions)", "Conversions."),
        count_visitors("converted"),
        Metric("value", "sum(value)", "Value in the site's currency.", "money"),
    ),
)
