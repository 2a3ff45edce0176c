"""Metrics without sketches, for every metric that is declared."""

from __future__ import annotations

import pytest

from schemas.gold import GOLD_TABLES
from schemas.gold.conversions import CONVERSIONS
from schemas.gold.pages import PAGES
from schemas.gold.sessions import SESSIONS
from schemas.table import GoldTable, Metric
from serving.lineage.declared import Exact, Stored, make_exact, read_stored
from serving.lineage.number import EXPLAINED

METRICS = [
    pytest.param(table, metric, id=f"{table.name} {metric.name}")
    for table in {table.name: table for one in EXPLAINED for table in one.tables}.values()
    for metric in table.metrics
]


@pytest.mark.parametrize(
    ("sql", "stored", "contributes"),
    [
        ("count(1)", Stored("count", "1", None), "true"),
        ("count_if(a AND f(b, c))", Stored("count_if", "a AND f(b, c)", None), "(a AND f(b, c))"),
        ("sum(x)", Stored("sum", "x", None), "x IS NOT NULL"),
        (
            "hll_sketch_agg(visitor_id, 14) FILTER (WHERE a OR b)",
            Stored("hll_sketch_agg", "visitor_id", "a OR b"),
            "visitor_id IS NOT NULL AND (a OR b)",
        ),
        (
            "max(struct(a, b)) FILTER (WHERE c IS NOT NULL)",
            Stored("max", "struct(a, b)", "c IS NOT NULL"),
            "struct(a, b) IS NOT NULL AND (c IS NOT NULL)",
        ),
    ],
)
def test_stored_aggregates_in_parts(sql: str, stored: Stored, contributes: str) -> None:
    assert read_stored(sql) == stored
    assert stored.contributes == contributes


def test_every_stored_aggregate_has_parts() -> None:
    for table in GOLD_TABLES:
        for sql in table.stored.values():
            stored = read_stored(sql)
            assert sql.startswith(f"{stored.function}({stored.argument}")
            assert (stored.condition is None) == ("FILTER" not in sql)


@pytest.mark.parametrize(("table", "metric"), METRICS)
def test_no_metric_needs_a_sketch(table: GoldTable, metric: Metric) -> None:
    exact = make_exact(table, metric)
    said = " ".join((exact.number, exact.low, exact.high, *exact.columns.values()))
    assert exact.columns
    assert "hll" not in said
    assert "kll" not in said
    assert not any(name in exact.number for name in ("sum(", "count("))


def _of(table: GoldTable, name: str) -> Exact:
    return make_exact(table, next(one for one in table.metrics if one.name == name))


def test_kinds() -> None:
    views = _of(PAGES, "unique_visitors")
    assert (views.kind, views.number) == ("distinct", "visitors")
    assert views.columns["visitors"].startswith("count(DISTINCT visitor_id) FILTER (WHERE ")
    rate = _of(SESSIONS, "bounce_rate")
    assert (rate.kind, rate.number) == ("sum", "try_divide(bounces, sessions)")
    assert rate.contributes == "(true) OR ((is_bounce))"
    slow = _of(PAGES, "load_time_p99_ms")
    assert (slow.kind, slow.low, slow.high) == ("percentile", "load_time_low", "load_time_high")
    assert "percentile_disc(0.98D)" in slow.columns["load_time_low"]
    assert "percentile_disc(1D)" in slow.columns["load_time_high"]
    assert _of(CONVERSIONS, "value").contributes == "(revenue IS NOT NULL)"
