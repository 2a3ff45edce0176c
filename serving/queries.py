"""From what was asked to one Spark SQL statement, generated from the Gold declarations; pure.

Each Gold table gives its stored partials, and for a range that does not begin or end on a full
hour the same partials made from Silver; the union of all is merged once (serving/merging.py).
Identifiers come only from declarations, values only as bound parameters (`:name`), tables as
`{layer_table}`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from schemas.silver import EVENTS, SESSIONS
from schemas.table import GoldTable
from serving.endpoint import Endpoint
from serving.merging import Sql, merge_kinds, merge_rows, quote
from serving.ranges import Range, Ranges
from serving.reading import Reading, find_reading, needs_hours
from serving.selection import Selection, Value, bind_sites, choose_rows, make_conditions
from serving.zones import bind_zone, bucket_sql, is_whole_sql, quarter_sql

# Few rows that lie in memory are merged in one task: shuffling them, and handing out the plan to a
# task for each table, would take twice as long.
_IN_ONE_TASK = "/*+ COALESCE(1) */ "
_PARTIALS, _UNION = "{partials}", "\nUNION ALL\n"
# Of held rows: the name of the table they are of.
SOURCE_COLUMN = "source_table"
SOURCES = {table.name: table for table in (EVENTS, SESSIONS)}
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Statement:
    """A SELECT, its bound values, the tables it reads and the columns it gives.

    reading: what it reads of Gold, where that is what endpoints need and no more; none: it may
    need any row and column. held_sql: the same SELECT with `{held}` for all tables of `reading`.
    """

    sql: str
    args: dict[str, Value]
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    reading: Reading | None = None
    held_sql: str | None = None

    def rewrite(self, change: Callable[[str], str], **others: Any) -> Statement:
        """With the same done to both forms of the SELECT; others: fields to have other values."""
        held_sql = self.held_sql and change(self.held_sql)
        return replace(self, sql=change(self.sql), held_sql=held_sql, **others)


def build_statement(endpoint: Endpoint, selection: Selection, ranges: Ranges) -> Statement:
    """The one statement that answers `selection` over `ranges`, which must not be empty."""
    args: dict[str, Value] = {"limit": selection.limit, **selection.filters}
    args |= bind_sites(selection)
    is_split = selection.splits_hours
    args |= bind_zone(selection.interval, selection.timezone, is_split, selection.start)
    keys = find_keys(endpoint, selection)
    gold: tuple[GoldTable, ...] = ()
    silver: tuple[GoldTable, ...] = ()
    if ranges.hours:
        args |= _bind_hours(ranges.hours)
        gold = endpoint.tables
    if ranges.edges or (ranges.hours and is_split):
        args |= _bind_edges(ranges.edges)
        silver = endpoint.tables
    if not endpoint.kinds:
        args["offset"] = selection.offset
    made = [_read_silver(endpoint, table, selection, keys, ranges) for table in silver]
    read = [_read_gold(endpoint, table, selection, keys) for table in gold]
    merged, columns = _merge(endpoint, selection, keys)
    sql = merged.replace(_PARTIALS, _UNION.join([*read, *made]))
    reading = held_sql = None
    if ranges.hours:
        by_hour = bool(endpoint.kinds) or needs_hours(selection.interval, selection.timezone)
        asked = frozenset((*keys, *selection.filters))
        names = tuple(table.name for table in gold)
        reading = find_reading(names, ranges.hours, asked, tells_hours=by_hour)
        hint = "" if made else _IN_ONE_TASK
        held = _read_held(endpoint, selection, keys, hint)
        held_sql = merged.replace(_PARTIALS, _UNION.join([held, *made]))
    tables = (*(table.name for table in gold), *(table.source for table in silver))
    return Statement(sql, args, tuple(dict.fromkeys(tables)), columns, reading, held_sql)


def _merge(endpoint: Endpoint, selection: Selection, keys: tuple[str, ...]) -> Sql:
    """SQL over _PARTIALS, whose place these are to take."""
    if endpoint.kinds:
        return merge_kinds(endpoint, keys, _PARTIALS)
    return merge_rows(endpoint, _find_bucket(selection), keys, _PARTIALS)


def find_keys(endpoint: Endpoint, selection: Selection) -> tuple[str, ...]:
    """The dimensions by which partials are merged."""
    if endpoint.kinds:
        return endpoint.dimensions
    picked = {*(selection.group_by or endpoint.group_by), *endpoint.kept_apart}
    picked |= selection.filters.keys() & set(endpoint.optional)
    return tuple(name for name in endpoint.dimensions if name in picked)


def view_name(table: str) -> str:
    """The placeholder of a table: `gold.pages` -> `gold_pages`."""
    return table.replace(".", "_")


def _read_gold(
    endpoint: Endpoint, table: GoldTable, selection: Selection, keys: tuple[str, ...]
) -> str:
    where = [
        *_choose_hours(selection),
        *make_conditions(selection, {name: name for name in table.dimensions}),
    ]
    return (
        f"SELECT bucket AS moment, {_columns(endpoint, table, keys)} "
        f"FROM {{{view_name(table.name)}}} WHERE {' AND '.join(where)}"
    )


def _read_held(endpoint: Endpoint, selection: Selection, keys: tuple[str, ...], hint: str) -> str:
    """The partials of all tables, as `serving/hot_tables.py` holds them."""
    stored = [name for table in endpoint.tables for name in table.stored]
    bots_and_sites = {name: name for name in ("is_bot", "site_id")}
    where = [*_choose_hours(selection), *choose_rows(selection, bots_and_sites)]
    for name in selection.filters:
        without = [table.name for table in endpoint.tables if name not in table.dimensions]
        others = f" OR {SOURCE_COLUMN} IN ({quote(without)})" if without else ""
        where.append(f"({name} = :{name}{others})")
    columns = ", ".join(("bucket AS moment", *keys, *stored))
    return f"SELECT {hint}{columns} FROM {{held}} WHERE {' AND '.join(where)}"


def _choose_hours(selection: Selection) -> list[str]:
    return [
        "date BETWEEN :first_date AND :last_date",
        "bucket >= :first_hour",
        "bucket < :last_hour",
        *_choose_whole(selection, "bucket"),
    ]


def _read_silver(
    endpoint: Endpoint,
    table: GoldTable,
    selection: Selection,
    keys: tuple[str, ...],
    ranges: Ranges,
) -> str:
    """The same partials as in Gold, made now: of the parts of hours at the ends of the range, and
    of the hours that no one interval holds."""
    source = SOURCES[table.source]
    moment = quarter_sql(table.time) if selection.splits_hours else table.bucket
    made = [
        f"{moment} AS moment",
        *(f"{table.dimensions[name]} AS {name}" for name in keys if name in table.dimensions),
        *(f"{sql} AS {name}" for name, sql in table.stored.items()),
    ]
    where = [
        *_choose_times(table, source.partition_by[0], selection, ranges),
        f"({table.where})",
        *make_conditions(selection, table.dimensions),
    ]
    rows = f"SELECT {', '.join(table.row_columns)} FROM {{{view_name(source.name)}}}"
    return (
        f"SELECT moment, {_columns(endpoint, table, keys)} FROM (SELECT {', '.join(made)} "
        f"FROM ({rows}) WHERE {' AND '.join(where)} GROUP BY ALL)"
    )


def _choose_times(
    table: GoldTable, date: str, selection: Selection, ranges: Ranges
) -> tuple[str, str]:
    """Which partitions of Silver to read, and which times."""
    edges = range(len(ranges.edges))
    dates = [f"{date} IN ({', '.join(f':edge{i}_date' for i in edges)})"] if edges else []
    times = [f"({table.time} >= :edge{i}_start AND {table.time} < :edge{i}_end)" for i in edges]
    if ranges.hours and selection.splits_hours:
        (whole,) = _choose_whole(selection, table.bucket)
        dates.append(f"{date} BETWEEN :first_date AND :last_date")
        within = f"{table.time} >= :first_hour AND {table.time} < :last_hour"
        times.append(f"({within} AND NOT ({whole}))")
    if len(dates) == 1:
        return dates[0], f"({' OR '.join(times)})"
    return f"({' OR '.join(dates)})", f"({' OR '.join(times)})"


def _choose_whole(selection: Selection, hour: str) -> list[str]:
    """The condition that an hour, by its start, lies in one interval, where it may not."""
    if not selection.interval or not selection.splits_hours:
        return []
    return [is_whole_sql(selection.interval, hour, selection.timezone)]


def _find_bucket(selection: Selection) -> str | None:
    if not selection.interval:
        return None
    is_split = selection.splits_hours
    return bucket_sql(selection.interval, "moment", selection.timezone, is_split)


def _columns(endpoint: Endpoint, table: GoldTable, keys: tuple[str, ...]) -> str:
    """What the table gives of the keys and of all tables' partials, null for what it has not."""
    of_keys = [name if name in table.dimensions else f"NULL AS {name}" for name in keys]
    of_tables = [
        name if other is table else f"NULL AS {name}"
        for other in endpoint.tables
        for name in other.stored
    ]
    return ", ".join((*of_keys, *of_tables))


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
