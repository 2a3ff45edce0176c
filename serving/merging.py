"""From a union of partials (`moment`, keys, stored columns) to an answer's rows, as SQL; pure.

Merged once by the keys, then what needs all rows (shares, ranks), then what is shown; estimates
from sketches last, of the rows that are shown: a percentile takes longer than merging its sketch.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.table import Metric
from serving.endpoint import Endpoint

BUCKET_FORMAT = r"yyyy-MM-dd\'T\'HH:mm:ss\'Z\'"

Sql = tuple[str, tuple[str, ...]]


def merge_rows(endpoint: Endpoint, start: str | None, keys: tuple[str, ...], union: str) -> Sql:
    """One row per key (and interval, of which `start` is the SQL over `moment`), its columns."""
    bucket = ("bucket",) if start else ()
    shown = [name for name in endpoint.dimensions if name in (*keys, *endpoint.optional)]
    columns = (*bucket, *shown, *endpoint.columns)
    estimates = {metric.name: type_metric(metric, _estimate(metric)) for metric in endpoint.late}
    nulls = {name: "CAST(NULL AS STRING)" for name in shown if name not in keys}
    made = estimates | nulls
    rows = _derive(endpoint, bool(start), _merge(endpoint, start, keys, union))
    order = (*bucket, *endpoint.order_by, *keys)
    placed = _join(
        f"SELECT * FROM (\n{rows}\n)",
        f"WHERE {endpoint.only}" if endpoint.only else None,
        f"ORDER BY {', '.join(order)}" if order else None,
        "LIMIT :limit OFFSET :offset",
    )
    # A projection keeps the order of the rows that it reads.
    selected = [f"{made[name]} AS {name}" if name in made else name for name in columns]
    return f"SELECT {', '.join(selected)}\nFROM (\n{placed}\n)", columns


def _estimate(metric: Metric) -> str:
    """A late metric's SQL over the sketches that `_merge` has merged."""
    sql = metric.sql
    for merged, column in metric.sketches.items():
        sql = sql.replace(merged, f"merged_{column}")
    return sql


def _merge(endpoint: Endpoint, start: str | None, keys: tuple[str, ...], union: str) -> str:
    """The partials merged; of late metrics the sketches.

    Without a key the aggregate would give a row even from nothing: HAVING leaves it out.
    """
    bucket = [start] if start else []
    grouping = [*bucket, *keys]
    sketches = {sql: name for one in endpoint.late for sql, name in one.sketches.items()}
    columns = [*(_name_bucket(time) for time in bucket), *keys, *_metrics(endpoint, endpoint.late)]
    columns += [f"{sql} AS merged_{name}" for sql, name in sketches.items()]
    return _join(
        f"SELECT {', '.join(columns)}",
        f"FROM (\n{union}\n)",
        f"GROUP BY {', '.join(grouping)}" if grouping else None,
        "HAVING count(1) > 0",
    )


def _derive(endpoint: Endpoint, has_bucket: bool, rows: str) -> str:
    """The rows with what is computed from all of them, before any is left out."""
    if not endpoint.derived:
        return rows
    derived = ", ".join(f"{metric.sql} AS {metric.name}" for metric in endpoint.derived)
    whole = "PARTITION BY bucket" if has_bucket else ""
    return _join(f"SELECT *, {derived}", f"FROM (\n{rows}\n)", f"WINDOW whole AS ({whole})")


def merge_kinds(endpoint: Endpoint, keys: tuple[str, ...], union: str) -> Sql:
    """Rows of each kind, in the order of the kinds, and their columns.

    Of a ranked kind the first `:limit`, without the one of which the dimension is not known.
    """
    known = " AND ".join(
        f"(kind <> '{kind}' OR {endpoint.kinds[kind]} IS NOT NULL)" for kind in endpoint.ranked
    )
    order = ", ".join(("bucket", *endpoint.order_by, *keys))
    placed = _join(
        f"SELECT *, row_number() OVER (PARTITION BY kind ORDER BY {order}) AS place",
        f"FROM (\n{_merge_sets(endpoint, keys, union)}\n)",
        f"WHERE {known}",
    )
    columns = ("kind", "bucket", *keys, *endpoint.columns)
    return _join(
        f"SELECT {', '.join(columns)}",
        f"FROM (\n{placed}\n)",
        f"WHERE kind NOT IN ({quote(endpoint.ranked)}) OR place <= :limit",
        f"ORDER BY array_position(array({quote(endpoint.kinds)}), kind), place",
    ), columns


def _merge_sets(endpoint: Endpoint, keys: tuple[str, ...], union: str) -> str:
    """The partials merged once for each kind, by its dimension if it has one."""
    dimension = {
        kind: "moment" if name == "bucket" else name
        for kind, name in endpoint.kinds.items()
        if name
    }
    (whole,) = endpoint.kinds.keys() - dimension.keys()
    cases = " ".join(f"WHEN grouping({name}) = 0 THEN '{kind}'" for kind, name in dimension.items())
    columns = (f"CASE {cases} ELSE '{whole}' END AS kind", _name_bucket("moment"), *keys)
    return _join(
        f"SELECT {', '.join((*columns, *_metrics(endpoint)))}",
        f"FROM (\n{union}\n)",
        f"GROUP BY GROUPING SETS ((), {', '.join(f'({name})' for name in dimension.values())})",
        "HAVING count(1) > 0",
    )


def _metrics(endpoint: Endpoint, late: tuple[Metric, ...] = ()) -> list[str]:
    """Every metric over the partials that is shown or derived from, but for late ones."""
    others = {metric.name for metric in (*endpoint.derived, *late)}
    wanted = [name for name in endpoint.columns if name not in others]
    wanted += [metric.name for metric in endpoint.hidden]
    metrics = [endpoint.metrics[name] for name in wanted]
    return [f"{type_metric(metric, metric.sql)} AS {metric.name}" for metric in metrics]


def type_metric(metric: Metric, sql: str) -> str:
    """Counts and sums of money are 0 where there is nothing; ratios and percentiles are null."""
    if metric.unit == "count":
        return f"CAST(coalesce({sql}, 0) AS BIGINT)"
    if metric.unit == "money":
        return f"CAST(coalesce({sql}, 0) AS DOUBLE)"
    return sql


def _name_bucket(time: str) -> str:
    return f"date_format({time}, '{BUCKET_FORMAT}') AS bucket"


def quote(names: Iterable[str]) -> str:
    """Declared names as SQL texts."""
    return ", ".join(f"'{name}'" for name in names)


def _join(*lines: str | None) -> str:
    return "\n".join(line for line in lines if line)
