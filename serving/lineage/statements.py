"""SQL that traces a number: from Silver anew, to its rows, and to their Kafka coordinates; pure.

Rows of the source are chosen by time and by the declared expressions, without partials, buckets or
the split into hours that the API's own statement has.
"""

from __future__ import annotations

from datetime import timedelta

from schemas.silver import EVENTS
from serving.lineage.declared import Exact
from serving.lineage.number import Number
from serving.merging import type_metric
from serving.queries import SOURCES, Statement, view_name
from serving.ranges import Range
from serving.selection import Selection, Value, bind_sites, make_conditions

_MICROSECOND = timedelta(microseconds=1)
_COORDINATES = ("topic", "partition", "offset")
EVENT_COLUMNS = ("event_time", "event_id", "event_type", "site_id", *_COORDINATES, "rules_version")
SESSION_COLUMNS = ("session_start", "session_end", "session_id", "site_id", "event_count")


def count_anew(number: Number, exact: Exact) -> Statement:
    """The number from Silver, with the bounds for Gold's; columns: number, low, high."""
    columns = ", ".join(f"{sql} AS {name}" for name, sql in exact.columns.items())
    shown = ", ".join(
        f"{type_metric(number.metric, sql)} AS {name}"
        for name, sql in (("number", exact.number), ("low", exact.low), ("high", exact.high))
    )
    sql = f"SELECT {shown} FROM (SELECT {columns} FROM {_choose_rows(number)})"
    return _statement(number, sql, (number.table.source,), ("number", "low", "high"))


def find_places(number: Number, exact: Exact) -> Statement:
    """Events that count in the number, by Kafka partition and rules."""
    columns = (
        "topic",
        "partition",
        "rules_version",
        "events",
        "first_offset",
        "last_offset",
        "first_time",
        "last_time",
    )
    sql = f"""{_events(number, exact)}
SELECT topic, partition, rules_version, count(1) AS events,
  min(offset) AS first_offset, max(offset) AS last_offset,
  min(event_time) AS first_time, max(event_time) AS last_time
FROM found GROUP BY topic, partition, rules_version ORDER BY topic, partition, rules_version"""
    return _statement(number, sql, _tables(number), columns)


def list_events(number: Number, exact: Exact, limit: int) -> Statement:
    """The first events that count in the number, by time."""
    sql = f"""{_events(number, exact)}
SELECT {", ".join(EVENT_COLUMNS)} FROM found ORDER BY event_time, event_id LIMIT {limit:d}"""
    return _statement(number, sql, _tables(number), EVENT_COLUMNS)


def list_sessions(number: Number, exact: Exact, limit: int) -> Statement:
    """The first sessions that count in the number, by time; `sessions`: how many there are."""
    sql = f"""{_sessions(number, exact)}
SELECT {", ".join(SESSION_COLUMNS)}, count(1) OVER () AS sessions
FROM counted ORDER BY session_start, session_id LIMIT {limit:d}"""
    return _statement(number, sql, (number.table.source,), (*SESSION_COLUMNS, "sessions"))


def find_partials(number: Number, hours: Range) -> Statement:
    """Rows of Gold in the number, by the file they lie in.

    hours: see `serving.ranges.Ranges`. The table must have two more columns: `file` and
    `written_at` (seconds since 1970), of the file.
    """
    columns = ("file", "written_at", "rows", "first_bucket", "last_bucket")
    where = [
        "date BETWEEN :first_date AND :last_date",
        "bucket >= :first_hour",
        "bucket < :last_hour",
        *make_conditions(number.selection, {name: name for name in number.table.dimensions}),
    ]
    sql = f"""SELECT file, written_at, count(1) AS rows,
  min(bucket) AS first_bucket, max(bucket) AS last_bucket
FROM {{{view_name(number.table.name)}}} WHERE {" AND ".join(where)}
GROUP BY file, written_at ORDER BY written_at, file"""
    args = {**_bind(number.selection), "first_hour": hours[0], "last_hour": hours[1]}
    return Statement(sql, args, (number.table.name,), columns)


def is_of_events(number: Number) -> bool:
    return number.table.source == EVENTS.name


def _choose_rows(number: Number, *more: str) -> str:
    """`(rows) WHERE ...`: what of the source the number is made of."""
    table, source = number.table, SOURCES[number.table.source]
    where = [
        f"{source.partition_by[0]} BETWEEN :first_date AND :last_date",
        f"{table.time} >= :start",
        f"{table.time} < :end",
        f"({table.where})",
        *make_conditions(number.selection, table.dimensions),
        *more,
    ]
    rows = f"SELECT {', '.join(table.row_columns)} FROM {{{view_name(source.name)}}}"
    return f"({rows}) WHERE {' AND '.join(where)}"


def _events(number: Number, exact: Exact) -> str:
    """WITH `found`: the events, of event grain those counted, of session grain all of a session."""
    columns = ", ".join(EVENT_COLUMNS)
    if is_of_events(number):
        chosen = _choose_rows(number, f"({exact.contributes})")
        return f"WITH found AS (SELECT {columns} FROM {chosen})"
    return f"""{_sessions(number, exact)},
found AS (
  SELECT {columns} FROM {{silver_events}} JOIN (
    SELECT site_id, visitor_id, session_start, session_end,
      explode(sequence(session_date, to_date(session_end))) AS event_date
    FROM counted
  ) USING (site_id, visitor_id, event_date)
  WHERE event_time BETWEEN session_start AND session_end
)"""


def _sessions(number: Number, exact: Exact) -> str:
    """WITH `counted`: each session once, however many of its pages count."""
    columns = ", ".join((*SESSION_COLUMNS, "visitor_id", "session_date"))
    chosen = _choose_rows(number, f"({exact.contributes})")
    return f"WITH counted AS (SELECT DISTINCT {columns} FROM {chosen})"


def _tables(number: Number) -> tuple[str, ...]:
    return tuple(dict.fromkeys((number.table.source, EVENTS.name)))


def _statement(
    number: Number, sql: str, tables: tuple[str, ...], columns: tuple[str, ...]
) -> Statement:
    return Statement(sql, _bind(number.selection), tables, columns)


def _bind(selection: Selection) -> dict[str, Value]:
    return {
        **selection.filters,
        **bind_sites(selection),
        "start": selection.start,
        "end": selection.end,
        "first_date": selection.start.date(),
        "last_date": (selection.end - _MICROSECOND).date(),
    }
