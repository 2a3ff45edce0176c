"""Gold: what each visitor did in each hour, from which a person's life is read.

Users, retention, lifecycle, touches and the stitched identity come from it (docs/identity.md). It
has as many rows as visitors have hours with a session, so it is small beside `silver.sessions` only
in columns; what it saves is the events.
"""

from __future__ import annotations

from schemas.table import GoldTable, Metric

_TOUCH = "struct(session_start, source, medium, campaign, channel)"
_IS_TOUCH = "source <> '(direct)'"

USER_DAYS = GoldTable(
    name="gold.user_days",
    help="Closed sessions by visitor and hour of their start.",
    source="silver.sessions",
    time="session_start",
    dimensions={"site_id": "site_id", "visitor_id": "visitor_id", "is_bot": "is_bot"},
    stored={
        "sessions": "count(1)",
        "engaged": "count_if(is_engaged)",
        "page_views": "sum(page_views)",
        "duration_sum_s": "sum(duration_s)",
        "conversions": "sum(conversions)",
        "revenue": "sum(revenue)",
        "first_start": "min(session_start)",
        "last_end": "max(session_end)",
        # A visitor's sessions do not overlap, so the greatest is the user seen last.
        "identity": "max(struct(session_end, user_id)) FILTER (WHERE user_id IS NOT NULL)",
        "first_touch": f"min({_TOUCH}) FILTER (WHERE {_IS_TOUCH})",
        "last_touch": f"max({_TOUCH}) FILTER (WHERE {_IS_TOUCH})",
    },
    metrics=(
        Metric("visitors", "count(DISTINCT site_id, visitor_id)", "Distinct visitors, exactly."),
        Metric("sessions", "sum(sessions)", "Sessions that started."),
        Metric("conversions", "sum(conversions)", "Conversions."),
        Metric("revenue", "sum(revenue)", "Value of conversions in the site's currency.", "money"),
    ),
)
