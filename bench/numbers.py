"""Percentiles of a few measured values."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)
    return ordered[max(0, rank - 1)]


def summarize(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, largest and number of values."""
    return {
        "p50": round(percentile(values, 0.50), 3),
        "p95": round(percentile(values, 0.95), 3),
        "max": round(max(values), 3),
        "samples": len(values),
    }


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)
