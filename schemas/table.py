"""What a table is: frozen declarations that every other package derives from.

`Table` describes a Bronze or Silver table (columns with their meaning), `GoldTable` an aggregate:
what is stored as mergeable partials and how stored values roll up into metrics. Plain data, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Grain = Literal["hour", "minute"]

# How a stored aggregate merges with others of its kind; `{}` is the stored column.
_MERGES = {
    "count": "sum({})",
    "count_if": "sum({})",
    "sum": "sum({})",
    "min": "min({})",
    "max": "max({})",
    "hll_sketch_agg": "hll_union_agg({})",
    "kll_sketch_agg_double": "kll_merge_agg_double({})",
}


@dataclass(frozen=True)
class Column:
    """One column: its Spark SQL type and its meaning."""

    name: str
    type: str
    help: str


@dataclass(frozen=True)
class Table:
    """A Delta table at `<lake>/<layer>/<table>`, named `layer.table`.

    `stats_columns` are those that Delta keeps minima and maxima of; statistics on others would
    cost time in each commit and skip no file.
    """

    name: str
    help: str
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...] = ()
    stats_columns: tuple[str, ...] = ()
    has_change_feed: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def ddl(self) -> str:
        """The columns as Spark SQL DDL."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)


_SKETCH_MERGES = (sql.partition("(")[0] for name, sql in _MERGES.items() if "sketch" in name)
_MERGED_SKETCH = re.compile(rf"\b(?:{'|'.join(_SKETCH_MERGES)})\((\w+)\)")


@dataclass(frozen=True)
class Metric:
    """A number the API answers with: a Spark SQL expression over stored partials.

    Used per group of a query, so it must be an aggregate that merges partials; a ratio is a ratio
    of sums and a distinct count is the estimate of a merged sketch, never an average of averages.
    `unit`: count, money, ratio, text, or a unit of measure as "ms".
    """

    name: str
    sql: str
    help: str
    unit: str = "count"

    @cached_property
    def sketches(self) -> dict[str, str]:
        """The aggregates in its SQL that merge a sketch -> the stored column that it is in."""
        return {found[0]: found[1] for found in _MERGED_SKETCH.finditer(self.sql)}


@dataclass(frozen=True)
class GoldTable:
    """A table of mergeable partials by hour or minute, with the metrics that can be read from it.

    `dimensions` maps a dimension to its expression over `source`, `stored` a partial to its
    aggregate expression. `time` is the source's timestamp that decides the hour. Columns of the
    table: `bucket` (timestamp, start of the hour or minute), `date` (partition), the dimensions,
    the stored partials.

    `unnest` is an array of structs over `source`: each element makes a row of its own, with its
    fields as further columns. Numbers must never be merged over the dimensions in `kept_apart`.
    """

    name: str
    help: str
    source: str
    time: str
    dimensions: dict[str, str]
    stored: dict[str, str]
    metrics: tuple[Metric, ...]
    where: str = "true"
    grain: Grain = "hour"
    unnest: str | None = None
    kept_apart: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = field(default=("date",))
    stats_columns: tuple[str, ...] = field(default=("bucket",))

    @property
    def dimension_names(self) -> tuple[str, ...]:
        return tuple(self.dimensions)

    @property
    def merged(self) -> dict[str, str]:
        """Stored column -> SQL that merges it. Raises KeyError for an aggregate that cannot."""
        return {
            name: _MERGES[sql.partition("(")[0].strip()].format(name)
            for name, sql in self.stored.items()
        }

    def merge_columns(self, types: Mapping[str, str]) -> list[str]:
        """SQL of each stored column, merged and again of its type; types: column -> SQL type."""
        return [f"CAST({sql} AS {types[name]}) AS {name}" for name, sql in self.merged.items()]

    @property
    def row_columns(self) -> tuple[str, ...]:
        """What to select from `source` for the rows that `where` and the expressions mean."""
        return ("*",) if self.unnest is None else ("*", f"inline({self.unnest})")

    @property
    def bucket(self) -> str:
        """SQL of a row's bucket."""
        return f"date_trunc('{self.grain.upper()}', {self.time})"
