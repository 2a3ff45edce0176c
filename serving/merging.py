"""From a union of partials (`moment`, keys, stored columns) to an answer's rows, as SQL; pure.

Merged once by the dimensions, then what needs all rows (shares, ranks), then what is shown.
"""

from __future__ import annotations

from schemas.table import Metric
from serving.endpoints import Endpoint

BUCKET_FORMAT = r"yyyy-MM-dd\'T\'HH:mm:ss\'Z\'"


def merge_rows(
    endpoint: Endpoint, interval: str | None, keys: tuple[str, ...], union: str
) -> tuple[str, tuple[str, ...]]:
    """One row per key (and interval), and its columns.

    Without a key the aggregate would give a row even from nothing: HAVING leaves it out.
    """
    bucket = (f"date_trunc('{interval.upper()}', moment)",) if interval else ()
    grouping = (*bucket, *keys)
    made = [f"date_format({time}, '{BUCKET_FORMAT}') AS bucket" for time in bucket]
    rows = (
        f"SELECT {', '.join([*made, *keys, *_metrics(endpoint)])}\nFROM (\n{union}\n)"
        + (f"\nGROUP BY {', '.join(grouping)}" if grouping else "")
        + "\nHAVING count(1) > 0"
    )
    if endpoint.derived:
        derived = ", ".join(f"{metric.sql} AS {metric.name}" for metric in endpoint.derived)
        whole = "PARTITION BY bucket" if interval else ""
        rows = f"SELECT *, {derived}\nFROM (\n{rows}\n)\nWINDOW whole AS ({whole})"
    first = ("bucket",) if interval else ()
    shown = [name for name in endpoint.dimensions if name in (*keys, *endpoint.optional)]
    columns = (*first, *shown, *endpoint.columns)
    selected = [
        f"CAST(NULL AS STRING) AS {name}" if name in shown and name not in keys else name
        for name in columns
    ]
    where = f"\nWHERE {endpoint.only}" if endpoint.only else ""
    order = [*first, *endpoint.order_by, *keys]
    order_by = f"\nORDER BY {', '.join(order)}" if order else ""
    sql = f"SELECT {', '.join(selected)}\nFROM (\n{rows}\n){where}{order_by}"
    return f"{sql}\nLIMIT :limit OFFSET :offset", columns


def merge_kinds(
    endpoint: Endpoint, keys: tuple[str, ...], union: str
) -> tuple[str, tuple[str, ...]]:
    """Rows of each kind, in the order of the kinds; of ranked ones the first `:limit`."""
    moments = {
        kind: ["moment" if name == "bucket" else name for name in names]
        for kind, names in endpoint.kinds.items()
    }
    sets = ", ".join(f"({', '.join(names)})" for names in moments.values())
    cases = " ".join(
        f"WHEN {' + '.join(f'grouping({name})' for name in names)} = 0 THEN '{kind}'"
        for kind, names in moments.items()
        if names
    )
    (total,) = (kind for kind, names in moments.items() if not names)
    rows = (
        f"SELECT CASE {cases} ELSE '{total}' END AS kind, "
        f"date_format(moment, '{BUCKET_FORMAT}') AS bucket, "
        f"{', '.join((*keys, *_metrics(endpoint)))}\nFROM (\n{union}\n)\n"
        f"GROUP BY GROUPING SETS ({sets})\nHAVING count(1) > 0"
    )
    order = ", ".join(("bucket", *endpoint.order_by, *keys))
    known = " AND ".join(
        f"(kind <> '{kind}' OR {name} IS NOT NULL)"
        for kind in endpoint.ranked
        for name in endpoint.kinds[kind]
    )
    placed = (
        f"SELECT *, row_number() OVER (PARTITION BY kind ORDER BY {order}) AS place\n"
        f"FROM (\n{rows}\n)\nWHERE {known}"
    )
    kinds, ranked = (
        ", ".join(f"'{kind}'" for kind in names) for names in (endpoint.kinds, endpoint.ranked)
    )
    columns = ("kind", "bucket", *keys, *endpoint.columns)
    return (
        f"SELECT {', '.join(columns)}\nFROM (\n{placed}\n)\n"
        f"WHERE kind NOT IN ({ranked}) OR place <= :limit\n"
        f"ORDER BY array_position(array({kinds}), kind), place"
    ), columns


def _metrics(endpoint: Endpoint) -> list[str]:
    derived = {metric.name for metric in endpoint.derived}
    wanted = [name for name in endpoint.columns if name not in derived]
    wanted += [metric.name for metric in endpoint.hidden]
    return [f"{_typed(endpoint.metrics[name])} AS {name}" for name in wanted]


def _typed(metric: Metric) -> str:
    """Counts and sums of money are 0 where there is nothing; ratios and percentiles are null."""
    if metric.unit == "count":
        return f"CAST(coalesce({metric.sql}, 0) AS BIGINT)"
    if metric.unit == "money":
        return f"CAST(coalesce({metric.sql}, 0) AS DOUBLE)"
    return metric.sql
