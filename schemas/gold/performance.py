"""Gold: how fast pages are for their visitors, and how the web's guides rate that."""

from __future__ import annotations

from schemas.gold.partials import IS_PAGE_VIEW, percentile, sketch_values
from schemas.table import GoldTable, Metric

# Measure of a page view -> up to where its 75th percentile is good, and beyond where it is poor.
# Core Web Vitals (LCP, INP, CLS) and their supplements (FCP, TTFB): https://web.dev/articles/vitals
# and the article of each. Of load times nobody has published such limits.
RATING_LIMITS: dict[str, tuple[float, float] | None] = {
    "load_time_ms": None,
    "ttfb_ms": (800, 1800),
    "fcp_ms": (1800, 3000),
    "lcp_ms": (2500, 4000),
    "inp_ms": (200, 500),
    "cls": (0.1, 0.25),
}
_UNIT = "that of the metric"
_MEASURES = ", ".join(
    f"named_struct('metric', '{name}', 'measured', {name})" for name in RATING_LIMITS
)

PERFORMANCE = GoldTable(
    name="gold.performance",
    help="What page views measured, by metric, page and hour.",
    source="silver.events",
    time="event_time",
    unnest=f"array({_MEASURES})",
    where=f"{IS_PAGE_VIEW} AND measured IS NOT NULL",
    dimensions={
        name: name
        for name in ("site_id", "metric", "page_path", "is_bot", "device_type", "country")
    },
    kept_apart=("metric",),
    stored={"samples": "count(1)", "measured": sketch_values("measured")},
    metrics=(
        Metric("samples", "sum(samples)", "Page views that measured it."),
        Metric("p50", percentile("measured", 0.5), "Median.", _UNIT),
        Metric("p75", percentile("measured", 0.75), "75th percentile.", _UNIT),
        Metric("p90", percentile("measured", 0.9), "90th percentile.", _UNIT),
        Metric("p99", percentile("measured", 0.99), "99th percentile.", _UNIT),
    ),
)


def rate(metric: str, p75: str) -> str:
    """SQL of `good`, `needs-improvement` or `poor`, null where there are no limits."""
    cases = []
    for name, limits in RATING_LIMITS.items():
        if limits:
            good, fair = (f"{p75} <= {limit}D" for limit in limits)
            cases.append(
                f"WHEN {metric} <> '{name}' OR {p75} IS NULL THEN NULL WHEN {good} THEN 'good' "
                f"WHEN {fair} THEN 'needs-improvement' ELSE 'poor' END"
            )
    return f"coalesce({', '.join(f'CASE {case}' for case in cases)})"
