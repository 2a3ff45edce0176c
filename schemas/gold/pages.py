"""Gold: what happened on each page, and where sessions began and ended."""

from __future__ import annotations

from schemas.table import GoldTable, Metric

# 2^14 registers: relative error at most 2 % at 95 % (DataSketches HLL; CONTRACT section 3).
HLL_LG_K = 14
# KLL with k = 400: normalized rank error about 0.7 % (DataSketches KLL tables; contract: <= 1 %).
KLL_K = 400

SESSION_DIMENSIONS = {
    "is_bot": "is_bot",
    "device_type": "device_type",
    "country": "country",
    "channel": "channel",
    "source": "source",
    "medium": "medium",
    "campaign": "campaign",
}


def percentile(sketch: str, rank: float) -> str:
    """SQL of a percentile over merged KLL sketches; null where nothing was measured.

    Asking an empty sketch for a quantile is an error in Spark, so its size is looked at first.
    """
    merged = f"kll_merge_agg_double({sketch})"
    return (
        f"CASE WHEN kll_sketch_get_n_double({merged}) > 0 "
        f"THEN kll_sketch_get_quantile_double({merged}, {rank}D) END"
    )


PAGES = GoldTable(
    name="gold.pages",
    help="Page views by page and hour.",
    source="silver.events",
    where="event_type = 'page_view'",
    time="event_time",
    dimensions={
        "site_id": "site_id",
        "page_path": "page_path",
        "is_bot": "is_bot",
        "device_type": "device_type",
        "country": "country",
    },
    stored={
        "page_views": "count(1)",
        "visitors": f"hll_sketch_agg(visitor_id, {HLL_LG_K})",
        "load_time": f"kll_sketch_agg_double(load_time_ms, {KLL_K})",
    },
    metrics=(
        Metric("page_views", "sum(page_views)", "Page views."),
        Metric(
            "unique_visitors",
            "hll_sketch_estimate(hll_union_agg(visitors))",
            "Distinct visitors, within 2 %.",
        ),
        Metric("load_time_p50_ms", percentile("load_time", 0.5), "Median load time.", "ms"),
        Metric("load_time_p90_ms", percentile("load_time", 0.9), "90th percentile.", "ms"),
        Metric("load_time_p99_ms", percentile("load_time", 0.99), "99th percentile.", "ms"),
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
