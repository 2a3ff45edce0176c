"""What the streaming app measures of itself, for Prometheus: every metric name, in one list.

Counters count from this process's start, as Prometheus expects. Labels that a client can choose
(sites) are bounded: beyond so many values they are counted together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

if TYPE_CHECKING:
    from streaming.report import FlowNumbers

REJECTS = "web_analytics_rejects"  # rejected records by site and first reason
DUPLICATES = "web_analytics_duplicates"  # records left out as copies, by site
EVENTS = "web_analytics_events"  # accepted events, before late copies are looked up
INPUT_ROWS = "web_analytics_flow_input_rows_per_second"  # by flow, of its last trigger
PROCESSED_ROWS = "web_analytics_flow_processed_rows_per_second"  # by flow, of its last batch
BATCH_SECONDS = "web_analytics_flow_last_batch_seconds"  # by flow
DROPPED_ROWS = "web_analytics_flow_rows_dropped_by_watermark"  # by flow; must stay 0

OTHER_SITES = "(others)"
_MAX_SITES = 200
_HOST = "127.0.0.1"


class StreamMetrics:
    """The counters and gauges of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sites: set[str] = set()
        self._events = Counter(
            EVENTS, "Accepted events, before late copies are looked up.", registry=self.registry
        )
        self._rejects = Counter(
            REJECTS, "Rejected records.", ("site", "reason"), registry=self.registry
        )
        self._duplicates = Counter(
            DUPLICATES, "Copies left out.", ("site",), registry=self.registry
        )
        self._flows = {
            name: Gauge(name, text, ("flow",), registry=self.registry)
            for name, text in (
                (INPUT_ROWS, "Rows coming in per second."),
                (PROCESSED_ROWS, "Rows worked through per second."),
                (BATCH_SECONDS, "Duration of the last batch."),
                (DROPPED_ROWS, "Rows lost behind a watermark since the checkpoints began."),
            )
        }

    def serve(self, port: int) -> None:
        """Answer Prometheus on this port, on loopback, in a thread of its own."""
        start_http_server(port, addr=_HOST, registry=self.registry)

    def count_events(self, events: int) -> None:
        self._events.inc(events)

    def count_rejects(self, rejects: Mapping[tuple[str, str], int]) -> None:
        """rejects: by site and reason."""
        for (site, reason), count in rejects.items():
            self._rejects.labels(self._bounded(site), reason).inc(count)

    def count_duplicates(self, duplicates: Mapping[str, int]) -> None:
        """duplicates: by site."""
        for site, count in duplicates.items():
            self._duplicates.labels(self._bounded(site)).inc(count)

    def show_flows(self, flows: Mapping[str, FlowNumbers]) -> None:
        for name, flow in flows.items():
            self._flows[INPUT_ROWS].labels(name).set(flow.input_rows_per_second)
            self._flows[PROCESSED_ROWS].labels(name).set(flow.processed_rows_per_second)
            self._flows[BATCH_SECONDS].labels(name).set((flow.last_batch_ms or 0) / 1000)
            self._flows[DROPPED_ROWS].labels(name).set(flow.rows_dropped_by_watermark)

    def _bounded(self, site: str) -> str:
        if site in self._sites or len(self._sites) < _MAX_SITES:
            self._sites.add(site)
            return site
        return OTHER_SITES


# One process, one app, one registry.
METRICS = StreamMetrics()
