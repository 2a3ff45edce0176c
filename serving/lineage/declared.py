"""A metric without partials and sketches: what its declaration says, over rows of Silver; pure.

From the stored aggregates that a metric reads to the exact SQL over the source's own columns, and
to the condition that a row counts in it at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from schemas.gold.partials import distinct, percentile
from schemas.table import GoldTable, Metric

# What the contract allows a percentile, as a share of the rows.
RANK_ERROR = 0.01
# Four standard errors of a merged HyperLogLog sketch of 2^14 registers (1.04 / sqrt(2^14)): more is
# no estimate, but a mistake. Below `EXACT_BELOW` its coupons count one by one.
COUNT_ERROR = 4 * 1.04 / 2**7
EXACT_BELOW = 1_000

Kind = Literal["sum", "distinct", "percentile"]


@dataclass(frozen=True)
class Stored:
    """A stored aggregate in parts: `function(argument, ...) FILTER (WHERE condition)`."""

    function: str
    argument: str
    condition: str | None

    @property
    def contributes(self) -> str:
        """SQL of whether a row of the source changes it."""
        if self.function == "count_if":
            return f"({self.argument})"
        is_there = [] if self.function == "count" else [f"{self.argument} IS NOT NULL"]
        condition = [f"({self.condition})"] if self.condition else []
        return " AND ".join([*is_there, *condition]) or "true"


@dataclass(frozen=True)
class Exact:
    """A metric over rows of Silver.

    columns: SQL aggregates by name; number: SQL over these. low, high: SQL of the bounds between
    which Gold's number must be where it is an estimate by rank. contributes: SQL of whether a row
    counts in it.
    """

    kind: Kind
    columns: dict[str, str]
    number: str
    low: str
    high: str
    contributes: str


def read_stored(sql: str) -> Stored:
    """The parts of a stored aggregate's SQL."""
    function, _, rest = sql.partition("(")
    depth, end = 1, 0
    while depth:
        depth += {"(": 1, ")": -1}.get(rest[end], 0)
        end += 1
    inside, after = rest[: end - 1], rest[end:]
    if matched := re.fullmatch(r"(.*), *\d+", inside, re.DOTALL):
        # The size of a sketch.
        inside = matched[1]
    condition = re.fullmatch(r"\s*FILTER \(WHERE (.*)\)", after, re.DOTALL)
    return Stored(function.strip(), inside, condition[1] if condition else None)


def make_exact(table: GoldTable, metric: Metric) -> Exact:
    """The metric over rows of the table's source."""
    names = [name for name in table.stored if re.search(rf"\b{name}\b", metric.sql)]
    stored = {name: read_stored(table.stored[name]) for name in names}
    contributes = " OR ".join(dict.fromkeys(f"({one.contributes})" for one in stored.values()))
    if len(names) == 1 and metric.sql == distinct(names[0]):
        columns = {names[0]: _count_distinct(stored[names[0]])}
        return _plain("distinct", columns, names[0], contributes)
    if len(names) == 1 and "kll_" in metric.sql:
        return _rank(names[0], stored[names[0]], metric, contributes)
    number = metric.sql
    for name in names:
        number = number.replace(table.merged[name], name)
    return _plain("sum", {name: table.stored[name] for name in names}, number, contributes)


def _plain(kind: Kind, columns: dict[str, str], number: str, contributes: str) -> Exact:
    return Exact(kind, columns, number, number, number, contributes)


def _count_distinct(stored: Stored) -> str:
    return f"count(DISTINCT {stored.argument}){_filter(stored)}"


def _rank(name: str, stored: Stored, metric: Metric, contributes: str) -> Exact:
    """A percentile by the nearest rank, and those a rank error lower and higher."""
    matched = re.search(r"([\d.]+)D\)", metric.sql)
    assert matched is not None
    rank = float(matched[1])
    assert metric.sql == percentile(name, rank)
    ranks = {
        name: rank,
        f"{name}_low": max(rank - RANK_ERROR, 0.0),
        f"{name}_high": min(rank + RANK_ERROR, 1.0),
    }
    columns = {
        column: f"percentile_disc({share:g}D) WITHIN GROUP (ORDER BY {stored.argument})"
        f"{_filter(stored)}"
        for column, share in ranks.items()
    }
    return Exact("percentile", columns, name, f"{name}_low", f"{name}_high", contributes)


def _filter(stored: Stored) -> str:
    return f" FILTER (WHERE {stored.condition})" if stored.condition else ""
