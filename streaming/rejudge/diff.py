"""What a pass changes, in numbers: by table and metric, before and after.

From events and sessions as they are and as they would be to rows that are printed and kept. Gold's
metrics are made from the same declarations as Gold itself, so a dry run says what would come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from schemas.gold import GOLD_TABLES
from streaming.gold import aggregate_partials

# Gold metric values are compared to so many digits: sums of doubles depend on their order.
_DIGITS = 6
_EVENT_GROUPS = ("bot_reason", "channel", "rules_version")
_SESSION_GROUPS = ("bot_reason", "channel")

Numbers = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Change:
    """One number before and after."""

    table: str
    metric: str
    before: float
    after: float


def compare(before: Numbers, after: Numbers) -> list[Change]:
    """The numbers that differ; what is not there is 0."""
    changes = []
    for table, metric in sorted(before.keys() | after.keys()):
        old, new = before.get((table, metric), 0.0), after.get((table, metric), 0.0)
        if old != new:
            changes.append(Change(table, metric, old, new))
    return changes


def measure(events: DataFrame, sessions: DataFrame, records: dict[str, DataFrame]) -> Numbers:
    """Every number of some days.

    events, sessions: columns of the Silver tables. records: by table name, rows with `label`.
    """
    numbers: Numbers = {}
    _count_groups(numbers, silver.EVENTS.name, events, "events", _EVENT_GROUPS)
    _count_groups(numbers, silver.SESSIONS.name, sessions, "sessions", _SESSION_GROUPS)
    for name, rows in records.items():
        for row in rows.groupBy("label").count().collect():
            numbers[name, f"rows {row['label']}"] = float(row["count"])
    for table in GOLD_TABLES:
        source = events if table.source == silver.EVENTS.name else sessions
        metrics = [F.expr(metric.sql).alias(metric.name) for metric in table.metrics]
        partials = aggregate_partials(source, table)
        for row in partials.groupBy("is_bot", *table.kept_apart).agg(*metrics).collect():
            apart = [str(row[name]) for name in table.kept_apart]
            kind = ", ".join(["bots" if row["is_bot"] else "people", *apart])
            for metric in table.metrics:
                numbers[table.name, f"{metric.name} ({kind})"] = _number(row[metric.name])
    return numbers


def _count_groups(
    numbers: Numbers, table: str, rows: DataFrame, what: str, groups: tuple[str, ...]
) -> None:
    sets = [(), *((group,) for group in groups)]
    counted = rows.groupingSets(sets, *groups).agg(
        F.count("*").alias("count"), F.grouping_id().alias("set")
    )
    everything = 2 ** len(groups) - 1
    for row in counted.collect():
        if row["set"] == everything:
            numbers[table, what] = float(row["count"])
            continue
        for place, group in enumerate(groups):
            if row["set"] == everything - 2 ** (len(groups) - 1 - place):
                label = "none" if row[group] is None else row[group]
                numbers[table, f"{what} with {group} {label}"] = float(row["count"])


def _number(value: Any) -> float:
    return round(float(value), _DIGITS) if value is not None else 0.0
