"""What a path that answers with metrics declares; all of them: `serving/endpoints.py`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from schemas.table import GoldTable, Metric


@dataclass(frozen=True)
class Endpoint:
    """One path of the API over one or more Gold tables.

    path, title (one line), help: for whoever reads the documentation.
    tables: their partials are merged; where two declare a metric, the first is meant. A table
        without a dimension of the answer adds rows in which it is null.
    group_by: dimensions that make a row; `can_pick`: the parameter `group_by` may choose from them.
    optional: further dimensions, null in the answer (all together) unless picked or filtered by.
    columns: metrics of the tables, and derived ones, in the order of the answer.
    order_by: SQL before the dimensions.
    filters: parameters (serving.params.FILTERS) that select by a dimension. A table that does not
        have it is not filtered.
    hidden: metrics over the tables' partials that only `derived` ones read.
    derived: metrics over the merged rows. The window `whole` has all rows of the same `bucket`.
    only: SQL of the merged rows that are answered.
    kinds: name -> its dimension, or none: rows of several kinds in one answer, named by `kind`;
        `ranked` are those of which `limit` rows are given.
    """

    path: str
    title: str
    help: str
    tables: tuple[GoldTable, ...]
    columns: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    can_pick: bool = False
    order_by: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    hidden: tuple[Metric, ...] = ()
    derived: tuple[Metric, ...] = ()
    only: str | None = None
    kinds: dict[str, str | None] = field(default_factory=dict)
    ranked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For models and functions: `TrafficSources`."""
        return self.path.strip("/").title().replace("-", "")

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every declared metric over the tables' partials, by name."""
        declared = [metric for table in reversed(self.tables) for metric in table.metrics]
        return {metric.name: metric for metric in (*declared, *self.hidden)}

    @cached_property
    def all_metrics(self) -> dict[str, Metric]:
        """The metrics of `columns`, by name."""
        known = self.metrics | {metric.name: metric for metric in self.derived}
        return {name: known[name] for name in self.columns}

    @cached_property
    def late(self) -> tuple[Metric, ...]:
        """Metrics from sketches that no order, choice or derived metric needs."""
        readers = (*(metric.sql for metric in self.derived), *self.order_by, self.only or "")
        needed = set(re.findall(r"\w+", " ".join(readers)))
        metrics = (self.metrics[name] for name in self.columns if name in self.metrics)
        return tuple(one for one in metrics if one.sketches and one.name not in needed)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every dimension that a row may have."""
        of_kinds = (name for name in self.kinds.values() if name and name != "bucket")
        return (*self.group_by, *self.optional, *of_kinds)

    @property
    def kept_apart(self) -> frozenset[str]:
        return frozenset(name for table in self.tables for name in table.kept_apart)
