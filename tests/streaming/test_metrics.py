"""The app's own metrics: what Prometheus reads."""

from __future__ import annotations

from prometheus_client import generate_latest

from streaming.metrics import OTHER_SITES, StreamMetrics
from streaming.report import FlowNumbers


def test_rejects_and_copies_are_counted_by_site_and_reason() -> None:
    metrics = StreamMetrics()
    metrics.count_events(7)
    metrics.count_rejects({("shop", "not_json"): 2, ("blog", "empty"): 1})
    metrics.count_rejects({("shop", "not_json"): 3})
    metrics.count_duplicates({"shop": 4})
    text = generate_latest(metrics.registry).decode()
    assert 'web_analytics_rejects_total{reason="not_json",site="shop"} 5.0' in text
    assert 'web_analytics_rejects_total{reason="empty",site="blog"} 1.0' in text
    assert 'web_analytics_duplicates_total{site="shop"} 4.0' in text
    assert "web_analytics_events_total 7.0" in text


def test_flows_are_shown_as_they_are() -> None:
    metrics = StreamMetrics()
    metrics.show_flows({"silver": FlowNumbers(10.5, 20.5, 1500, 0)})
    text = generate_latest(metrics.registry).decode()
    assert 'web_analytics_flow_last_batch_seconds{flow="silver"} 1.5' in text
    assert 'web_analytics_flow_rows_dropped_by_watermark{flow="silver"} 0.0' in text


def test_sites_that_clients_make_up_cannot_fill_the_memory() -> None:
    metrics = StreamMetrics()
    metrics.count_duplicates({f"site {number}": 1 for number in range(500)})
    text = generate_latest(metrics.registry).decode()
    assert text.count("web_analytics_duplicates_total{") == 201
    assert f'web_analytics_duplicates_total{{site="{OTHER_SITES}"}} 300.0' in text
