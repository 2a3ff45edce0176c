"""What the API measures of itself, for Prometheus: every metric name, in one list.

Each app has a registry of its own, so that several can live in one process (tests).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

# Name -> meaning. The HTTP ones (http_requests_total, http_request_duration_seconds, and their
# sizes) come from prometheus-fastapi-instrumentator.
CACHE_ANSWERS = "web_analytics_cache_answers"  # answers by endpoint and hit|miss|stale|bypass
QUERY_SECONDS = "web_analytics_query_seconds"  # Spark queries by endpoint, waiting included
QUERY_ERRORS = "web_analytics_query_errors"  # queries that gave no rows, by endpoint and error
SQL_STATEMENTS = "web_analytics_sql_statements"  # of POST /query, by outcome: ok, or the error

_SECONDS = (0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30)


class ServingMetrics:
    """The counters and histograms of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.cache_answers = Counter(
            CACHE_ANSWERS,
            "Answers by what the cache did.",
            ("endpoint", "cache"),
            registry=self.registry,
        )
        self.query_seconds = Histogram(
            QUERY_SECONDS,
            "Duration of Spark queries.",
            ("endpoint",),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.query_errors = Counter(
            QUERY_ERRORS,
            "Queries that failed.",
            ("endpoint", "error"),
            registry=self.registry,
        )
        self.sql_statements = Counter(
            SQL_STATEMENTS,
            "Statements of POST /query.",
            ("outcome",),
            registry=self.registry,
        )
