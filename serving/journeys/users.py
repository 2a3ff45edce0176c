"""How many people came, how many of them for the first time.

From a `Selection` and its `Ranges` to one statement over `gold.user_days`, and over
`silver.sessions` for the parts of hours at the ends of the range.
"""

from __future__ import annotations

from serving.journeys.conditions import bind_page, choose_sites, is_counted, join
from serving.journeys.identity import find_people, read_history
from serving.merging import BUCKET_FORMAT
from serving.queries import Statement
from serving.ranges import Ranges
from serving.selection import Selection, Value

COLUMNS = ("users", "new_users", "returning_users", "sessions_per_user")
_IDENTITY = (
    "CASE WHEN user_id IS NOT NULL THEN "
    "named_struct('session_end', session_end, 'user_id', user_id) END"
)


def build_users(selection: Selection, ranges: Ranges) -> Statement:
    """The statement of people by stitched identity: one row, or one per interval, none if nobody.

    Columns: bucket (only with an interval), users (people with a session that starts in the range
    and bucket), new_users (those whose first session ever is one of these), returning_users (the
    others), sessions_per_user. Counts are exact; closed sessions only.
    """
    args: dict[str, Value] = {**bind_page(selection), "start": selection.start}
    tables = ["gold.user_days"]
    is_whole_hour = "false"
    if ranges.hours:
        args |= {"first_hour": ranges.hours[0], "last_hour": ranges.hours[1]}
        is_whole_hour = "bucket >= :first_hour AND bucket < :last_hour"
    history = [
        read_history(
            selection,
            "bucket AS hour",
            f"CASE WHEN {is_whole_hour} THEN sessions ELSE 0 END AS sessions",
        )
    ]
    if ranges.edges:
        history.append(_read_edges(selection, ranges, args))
        tables.append("silver.sessions")
    bucket = f"date_trunc('{(selection.interval or 'hour').upper()}', hour)"
    grouping = f"{bucket}, person" if selection.interval else "person"
    is_new = "came_first >= :start"
    if selection.interval:
        is_new += f" AND date_trunc('{selection.interval.upper()}', came_first) = bucket"
    shown = f"date_format(bucket, '{BUCKET_FORMAT}') AS bucket, " if selection.interval else ""
    union = "\nUNION ALL\n".join(history)
    sql = f"""WITH history AS (
{union}
),
{find_people()},
active AS (
  SELECT {f"{bucket} AS bucket, " if selection.interval else ""}person,
    first(came_first) AS came_first, sum(sessions) AS sessions
  FROM history JOIN visitors USING (site_id, visitor_id)
  WHERE is_counted AND sessions > 0
  GROUP BY {grouping}
)
SELECT {shown}count(1) AS users, count_if({is_new}) AS new_users,
  count_if(NOT ({is_new})) AS returning_users,
  try_divide(sum(sessions), count(1)) AS sessions_per_user
FROM active
{"GROUP BY bucket" if selection.interval else ""}
HAVING count(1) > 0
{"ORDER BY bucket" if selection.interval else ""}
LIMIT :limit OFFSET :offset"""
    columns = ("bucket", *COLUMNS) if selection.interval else COLUMNS
    return Statement(sql, args, tuple(tables), columns)


def _read_edges(selection: Selection, ranges: Ranges, args: dict[str, Value]) -> str:
    """SQL of the sessions in the parts of hours, in the form of `read_history`."""
    within = []
    for index, (start, end) in enumerate(ranges.edges):
        args[f"edge{index}_date"] = start.date()
        args[f"edge{index}_start"], args[f"edge{index}_end"] = start, end
        within.append(
            f"session_date = :edge{index}_date AND session_start >= :edge{index}_start "
            f"AND session_start < :edge{index}_end"
        )
    return (
        f"SELECT site_id, visitor_id, {_IDENTITY} AS identity, session_start AS first_start, "
        f"{is_counted(selection)} AS is_counted, date_trunc('HOUR', session_start) AS hour, "
        f"1 AS sessions FROM {{silver_sessions}} WHERE ({' OR '.join(within)}) "
        f"AND {join(choose_sites(selection))}"
    )
