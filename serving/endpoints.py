"""Which metrics each path answers with, and from which Gold tables: one declaration per path.

Parameters, SQL, response models and documentation all derive from these.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.gold.pages import ENTRY_PAGES, EXIT_PAGES, PAGES
from schemas.gold.sessions import SESSIONS
from schemas.table import GoldTable, Metric


@dataclass(frozen=True)
class Endpoint:
    """One path of the API over one or more Gold tables, which share the `group_by` dimensions.

    `columns` are metrics of the tables, in the order of the answer. `pending` are columns of the
    contract that no Gold table declares yet: they are answered with null.
    """

    path: str
    help: str
    tables: tuple[GoldTable, ...]
    group_by: tuple[str, ...]
    columns: tuple[str, ...]
    order_by: tuple[str, ...]
    pending: tuple[Metric, ...] = ()

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every declared metric by name."""
        return {metric.name: metric for table in self.tables for metric in table.metrics}

    @property
    def pending_names(self) -> frozenset[str]:
        return frozenset(metric.name for metric in self.pending)


PAGES_ENDPOINT = Endpoint(
    path="/pages",
    help="Views of each page, and the sessions that began and ended on it.",
    tables=(PAGES, ENTRY_PAGES, EXIT_PAGES),
    group_by=("page_path",),
    columns=(
        "page_views",
        "unique_visitors",
        "entries",
        "exits",
        "bounce_rate",
        "avg_engaged_time_s",
        "load_time_p50_ms",
        "load_time_p90_ms",
        "load_time_p99_ms",
    ),
    order_by=("page_views DESC", "page_path"),
    pending=(Metric("avg_engaged_time_s", "NULL", "Mean engaged time; not measured yet.", "s"),),
)

SESSIONS_ENDPOINT = Endpoint(
    path="/sessions",
    help="Closed sessions by their start.",
    tables=(SESSIONS,),
    group_by=(),
    columns=tuple(metric.name for metric in SESSIONS.metrics),
    order_by=(),
)

ENDPOINTS = (PAGES_ENDPOINT, SESSIONS_ENDPOINT)
