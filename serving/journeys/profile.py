"""One person: lifetime, first and last touch, and what happened in the latest sessions.

From an id and a `Selection` to one statement over `gold.user_days`, `silver.sessions` and
`silver.events`, and from its one row to plain data.
"""

from __future__ import annotations

import json
from typing import Any

from serving.journeys.conditions import (
    bind_page,
    bind_range,
    choose_rows,
    choose_sites,
    join,
    within,
)
from serving.journeys.identity import find_people, read_history
from serving.queries import Statement
from serving.selection import Selection

# Events shown of one session; `event_count` says how many there are.
MAX_EVENTS = 200

_HISTORY = (
    "sessions, engaged, page_views, conversions, revenue, duration_sum_s, last_end, "
    "first_touch, last_touch"
)
_LIFETIME = """named_struct(
    'sessions', sum(sessions), 'engaged_sessions', sum(engaged), 'page_views', sum(page_views),
    'conversions', sum(conversions), 'revenue', CAST(sum(revenue) AS DOUBLE),
    'duration_s', sum(duration_sum_s),
    'first_seen', min(history.first_start), 'last_seen', max(last_end)) AS lifetime"""
_SESSION = (
    "site_id, session_id, visitor_id, session_start, session_end, duration_s, event_count, "
    "page_views, is_engaged, entry_page, exit_page, source, medium, campaign, channel, "
    "device_type, browser, os, country, conversions, CAST(revenue AS DOUBLE) AS revenue"
)
_EVENT = (
    "event_time, event_id, event_type, page_path, event_name, is_conversion, "
    "CAST(revenue AS DOUBLE) AS revenue"
)
# Times as in every other answer, and every key in every answer.
_JSON = "map('timestampFormat', \"yyyy-MM-dd'T'HH:mm:ss.SSSX\", 'ignoreNullFields', 'false')"


def build_profile(id_: str, selection: Selection) -> Statement:
    """The statement of one person: one row with one JSON text, or none where nobody has the id.

    id_: a user_id, or the visitor_id of any of the person's visitors; where that is another person
    on another site, each has a row. Lifetime and touches are over
    all history; the journey has the latest `selection.limit` sessions that start in the range,
    in order, with their first MAX_EVENTS events each. Closed sessions only.
    """
    sql = f"""WITH history AS ({read_history(selection, _HISTORY)}),
{find_people()},
wanted AS (
  SELECT site_id, visitor_id, person FROM (
    SELECT *, bool_or(person = :id OR visitor_id = :id) OVER (PARTITION BY person) AS is_wanted
    FROM visitors
  ) WHERE is_wanted
),
profile AS (
  SELECT person AS id, max(identity).user_id AS user_id,
    array_sort(collect_set(visitor_id)) AS visitor_ids, array_sort(collect_set(site_id)) AS sites,
    {_LIFETIME},
    min(first_touch) AS first_touch, max(last_touch) AS last_touch
  FROM history JOIN wanted USING (site_id, visitor_id)
  WHERE is_counted GROUP BY person
),
latest AS (
  SELECT {_SESSION}, session_date, person
  FROM {{silver_sessions}} JOIN wanted USING (site_id, visitor_id)
  WHERE {join(_choose_sessions(selection))}
  ORDER BY session_start DESC, session_id LIMIT :limit OFFSET :offset
),
steps AS (
  SELECT span.session_id,
    slice(array_sort(collect_list(struct({_EVENT}))), 1, {MAX_EVENTS}) AS events
  FROM {{silver_events}} JOIN (
    SELECT /*+ BROADCAST */ session_id, site_id, visitor_id, session_start, session_end,
      explode(array_distinct(array(session_date, to_date(session_end)))) AS event_date
    FROM latest
  ) AS span USING (site_id, visitor_id, event_date)
  WHERE event_time BETWEEN session_start AND session_end AND {join(choose_sites(selection))}
  GROUP BY span.session_id
),
journey AS (
  SELECT person AS id,
    array_sort(collect_list(struct(session_start, session_id, shown))).shown AS journey
  FROM (
    SELECT person, session_start, session_id,
      struct(latest.* EXCEPT (session_date, person), events) AS shown
    FROM latest LEFT JOIN steps USING (session_id)
  )
  GROUP BY person
)
SELECT to_json(struct(profile.*, coalesce(journey, array()) AS journey), {_JSON}) AS profile
FROM profile LEFT JOIN journey USING (id) ORDER BY id"""
    args = {
        **bind_page(selection),
        **bind_range(selection.start, selection.end),
        "id": id_,
    }
    tables = ("gold.user_days", "silver.sessions", "silver.events")
    return Statement(sql, args, tables, ("profile",))


def shape_profile(_: Statement, rows: list[tuple[Any, ...]]) -> list[Any]:
    return [json.loads(row[0]) for row in rows]


def _choose_sessions(selection: Selection) -> list[str]:
    return [*within("session_date", "session_start"), *choose_rows(selection)]
