"""What Gold tables share: the sizes of sketches, SQL over them, and a session's dimensions."""

from __future__ import annotations

from schemas.table import Metric

# 2^14 registers: relative error at most 2 % at 95 % (DataSketches HLL; CONTRACT section 3).
HLL_LG_K = 14
# KLL with k = 400: normalized rank error about 0.7 % (DataSketches KLL tables; contract: <= 1 %).
KLL_K = 400

IS_PAGE_VIEW = "event_type = 'page_view'"
PAGE_VIEWS = f"count_if({IS_PAGE_VIEW})"
VISITORS = f"hll_sketch_agg(visitor_id, {HLL_LG_K})"

SESSION_DIMENSIONS = {
    "is_bot": "is_bot",
    "device_type": "device_type",
    "country": "country",
    "channel": "channel",
    "source": "source",
    "medium": "medium",
    "campaign": "campaign",
}


def sketch_values(value: str) -> str:
    """SQL of a KLL sketch over a column of doubles; nulls do not count."""
    return f"kll_sketch_agg_double({value}, {KLL_K})"


def distinct(sketch: str) -> str:
    """SQL of a distinct count over merged HLL sketches."""
    return f"hll_sketch_estimate(hll_union_agg({sketch}))"


def percentile(sketch: str, rank: float) -> str:
    """SQL of a percentile over merged KLL sketches; null where nothing was measured.

    Asking an empty sketch for a quantile is an error in Spark, so its size is looked at first.
    """
    merged = f"kll_merge_agg_double({sketch})"
    return (
        f"CASE WHEN kll_sketch_get_n_double({merged}) > 0 "
        f"THEN kll_sketch_get_quantile_double({merged}, {rank}D) END"
    )


def count_visitors(sketch: str = "visitors") -> Metric:
    """The metric `unique_visitors` over a stored sketch of visitors."""
    return Metric("unique_visitors", distinct(sketch), "Distinct visitors, within 2 %.")
