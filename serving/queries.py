"""From what was asked to one Spark SQL statement, generated from the Gold declarations; pure.

Each Gold table gives its stored partials, and for a range that does not begin or end on a full
hour the same partials made from Silver; the union of all is merged once. Identifiers come only
from declarations, values only as bound parameters (`:name`), tables as `{layer_table}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from schemas.silver import EVENTS, SESSIONS
from schemas.table import GoldTable, Metric
from serving.endpoints import Endpoint
from serving.ranges import Range, Ranges

Interval = Literal["hour", "day", "week", "month"]
Value = str | int | date | datetime

SOURCES = {table.name: table for table in (EVENTS, SESSIONS)}
BUCKET_FORMAT = r"yyyy-MM-dd\'T\'HH:mm:ss\'Z\'"
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Selection:
    """What an answer is about: validated, with every default filled in."""

    start: datetime
    end: datetime
    limit: int
    offset: int
    include_bots: bool = False
    interval: Interval | None = None
    filters: dict[str, str] = field(default_factory=dict)
    # The only sites to count; none: all. Who asks may see no others.
    sites: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Statement:
    """A SELECT, its bound values, the tables it reads and the columns it gives."""

    sql: str
    args: dict[str, Value]
    tables: tuple[str, ...]
    columns: tuple[str, ...]


def build_statement(endpoint: Endpoint, selection: Selection, ranges: Ranges) -> Statement:
    """The one statement that answers `selection` over `ranges`, which must not be empty."""
    args: dict[str, Value] = {"limit": selection.limit, "offset": selection.offset}
    args |= selection.filters
    args |= {f"site{index}": site for index, site in enumerate(selection.sites or ())}
    parts: list[str] = []
    tables: list[str] = []
    if ranges.hours:
        args |= _bind_hours(ranges.hours)
        parts += [_read_gold(endpoint, table, selection) for table in endpoint.tables]
        tables += [table.name for table in endpoint.tables]
    if ranges.edges:
        args |= _bind_edges(ranges.edges)
        count = len(ranges.edges)
        parts += [_read_silver(endpoint, table, selection, count) for table in endpoint.tables]
        tables += [table.source for table in endpoint.tables]
    keys = (*(("bucket",) if selection.interval else ()), *endpoint.group_by)
    return Statement(
        sql=_merge(endpoint, selection.interval, keys, "\nUNION ALL\n".join(parts)),
        args=args,
        tables=tuple(dict.fromkeys(tables)),
        columns=(*keys, *endpoint.columns),
    )


def view_name(table: str) -> str:
    """The placeholder of a table: `gold.pages` -> `gold_pages`."""
    return table.replace(".", "_")


def _merge(endpoint: Endpoint, interval: str | None, keys: tuple[str, ...], union: str) -> str:
    """Merge the partials into one row per key.

    Without a key the aggregate would give a row even from nothing: HAVING leaves it out.
    """
    bucket = f"date_trunc('{(interval or 'hour').upper()}', hour)"
    grouping = [bucket if key == "bucket" else key for key in keys]
    columns = [
        f"date_format({bucket}, '{BUCKET_FORMAT}') AS bucket" if key == "bucket" else key
        for key in keys
    ]
    columns += [_column(endpoint, name) for name in endpoint.columns]
    order = [*(("bucket",) if interval else ()), *endpoint.order_by]
    return "\n".join(
        (
            f"SELECT {', '.join(columns)}",
            f"FROM (\n{union}\n)",
            *((f"GROUP BY {', '.join(grouping)}",) if grouping else ()),
            "HAVING count(1) > 0",
            *((f"ORDER BY {', '.join(order)}",) if order else ()),
            "LIMIT :limit OFFSET :offset",
        )
    )


def _column(endpoint: Endpoint, name: str) -> str:
    if name in endpoint.pending_names:
        return f"NULL AS {name}"
    return f"{_typed(endpoint.metrics[name])} AS {name}"


def _typed(metric: Metric) -> str:
    """Counts and sums of money are 0 where there is nothing; ratios and percentiles are null."""
    if metric.unit == "count":
        return f"CAST(coalesce({metric.sql}, 0) AS BIGINT)"
    if metric.unit == "money":
        return f"CAST(coalesce({metric.sql}, 0) AS DOUBLE)"
    return metric.sql


def _read_gold(endpoint: Endpoint, table: GoldTable, selection: Selection) -> str:
    columns = ["bucket AS hour", *endpoint.group_by, *_partials(endpoint, table)]
    where = [
        "date BETWEEN :first_date AND :last_date",
        "bucket >= :first_hour",
        "bucket < :last_hour",
        *_conditions(selection, {name: name for name in table.dimensions}),
    ]
    return (
        f"SELECT {', '.join(columns)} FROM {{{view_name(table.name)}}} WHERE {' AND '.join(where)}"
    )


def _read_silver(
    endpoint: Endpoint, table: GoldTable, selection: Selection, edge_count: int
) -> str:
    """The same partials as in Gold, made now for the parts of hours at the ends of the range."""
    source = SOURCES[table.source]
    made = [
        f"date_trunc('HOUR', {table.time}) AS bucket",
        *(f"{table.dimensions[name]} AS {name}" for name in endpoint.group_by),
        *(f"{sql} AS {name}" for name, sql in table.stored.items()),
    ]
    within = " OR ".join(
        f"({table.time} >= :edge{index}_start AND {table.time} < :edge{index}_end)"
        for index in range(edge_count)
    )
    where = [
        f"{source.partition_by[0]} IN ({', '.join(f':edge{i}_date' for i in range(edge_count))})",
        f"({within})",
        f"({table.where})",
        *_conditions(selection, table.dimensions),
    ]
    columns = ["bucket AS hour", *endpoint.group_by, *_partials(endpoint, table)]
    return (
        f"SELECT {', '.join(columns)} FROM (SELECT {', '.join(made)} "
        f"FROM {{{view_name(source.name)}}} WHERE {' AND '.join(where)} GROUP BY ALL)"
    )


def _conditions(selection: Selection, dimensions: dict[str, str]) -> list[str]:
    bots = [] if selection.include_bots else [f"NOT {dimensions['is_bot']}"]
    chosen = [f"{dimensions[name]} = :{name}" for name in selection.filters]
    return bots + _limit_sites(selection, dimensions["site_id"]) + chosen


def _limit_sites(selection: Selection, site_id: str) -> list[str]:
    if selection.sites is None:
        return []
    markers = [f":site{index}" for index in range(len(selection.sites))]
    return [f"{site_id} IN ({', '.join(markers)})" if markers else "false"]


def _partials(endpoint: Endpoint, table: GoldTable) -> list[str]:
    return [
        name if other is table else f"NULL AS {name}"
        for other in endpoint.tables
        for name in other.stored
    ]


def _bind_hours(hours: Range) -> dict[str, Value]:
    first, last = hours
    return {
        "first_hour": first,
        "last_hour": last,
        "first_date": first.date(),
        "last_date": (last - _MICROSECOND).date(),
    }


def _bind_edges(edges: tuple[Range, ...]) -> dict[str, Value]:
    args: dict[str, Value] = {}
    for index, (start, end) in enumerate(edges):
        args |= {
            f"edge{index}_start": start,
            f"edge{index}_end": end,
            f"edge{index}_date": start.date(),
        }
    return args
