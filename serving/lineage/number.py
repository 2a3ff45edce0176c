"""Which number is to be explained: an endpoint's metric, for a range and values of dimensions.

From what a command line names to a checked `Number`, or to what can be named instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schemas.table import GoldTable, Metric
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS
from serving.queries import Statement, build_statement
from serving.ranges import Ranges
from serving.selection import Selection

# `/realtime` is always the last half hour: the same events are in /pages.
EXPLAINED = tuple(endpoint for endpoint in ENDPOINTS if not endpoint.kinds)


class Unexplainable(Exception):
    """There is no such number, or not one alone; the message says what to ask instead."""


@dataclass(frozen=True)
class Number:
    """One metric of one Gold table, over everything that `selection` leaves."""

    endpoint: Endpoint
    table: GoldTable
    metric: Metric
    selection: Selection

    def build(self, ranges: Ranges) -> Statement:
        """The statement the API asks for it, without other metrics and without groups."""
        alone = replace(
            self.endpoint,
            tables=(self.table,),
            columns=(self.metric.name,),
            group_by=(),
            optional=(),
            order_by=(),
            hidden=(),
            derived=(),
            only=None,
        )
        return build_statement(alone, self.selection, ranges)


def find_number(path: str, metric: str, values: Mapping[str, str], selection: Selection) -> Number:
    """The number that is meant. values: dimension -> value. Raises Unexplainable."""
    endpoint = next((one for one in EXPLAINED if one.path == f"/{path.strip('/')}"), None)
    if endpoint is None:
        known = ", ".join(one.path for one in EXPLAINED)
        raise Unexplainable(f"path {path!r} is none of {known}")
    tables = [
        table for table in endpoint.tables if any(one.name == metric for one in table.metrics)
    ]
    plain = [name for name in endpoint.columns if name in endpoint.metrics]
    if metric not in plain or not tables:
        hint = ""
        if metric in endpoint.columns:
            hint = " It is made from the others: ask for these."
        raise Unexplainable(f"metric {metric!r} is none of {', '.join(plain)}.{hint}")
    table = tables[0]
    unknown = [name for name in values if name not in table.dimensions]
    if unknown:
        known = ", ".join(sorted(table.dimensions.keys() - {"is_bot"}))
        raise Unexplainable(
            f"{metric} of {endpoint.path} cannot be narrowed by {', '.join(unknown)}: {table.name} "
            f"has {known}"
        )
    if missing := [name for name in table.kept_apart if name not in values]:
        raise Unexplainable(
            f"{table.name} has one number for each {', '.join(missing)}: name one "
            "(`metric` with --measure, as lcp_ms)"
        )
    declared = next(one for one in table.metrics if one.name == metric)
    return Number(endpoint, table, declared, replace(selection, filters=dict(values)))
