"""Where people go next: page views and the ones that follow them in the same visit.

From a `Selection` to one statement over `silver.events`.
"""

from __future__ import annotations

from serving.journeys.conditions import bind_page, bind_range, choose_rows, join, within
from serving.queries import Statement
from serving.selection import Selection

COLUMNS = ("page_path", "next_page", "views", "visitors", "share")


def build_paths(selection: Selection, page_path: str | None, gap_s: float) -> Statement:
    """The statement of the pages that follow a page: the most frequent pairs first.

    Columns: page_path, next_page (null: the visit ended without another page view), views (page
    views of page_path that were followed so), visitors (distinct, exactly), share (of all views of
    page_path). page_path: one page, or None for all. A visit is a visitor's events with gaps of at
    most `gap_s`, of whatever type; what lies outside the range is not seen, so a visit that goes on
    after its end counts as ended. A page that is loaded again follows itself.
    """
    page = "AND page_path = :page_path" if page_path is not None else ""
    sql = f"""WITH events AS (
  SELECT site_id, visitor_id, event_time, event_id, event_type, page_path,
    unix_micros(event_time) - lag(unix_micros(event_time)) OVER history > :gap_us AS is_start
  FROM {{silver_events}}
  WHERE {join([*within("event_date", "event_time"), *choose_rows(selection)])}
    AND visitor_id IS NOT NULL
  WINDOW history AS (PARTITION BY site_id, visitor_id ORDER BY event_time, event_id)
),
visits AS (
  SELECT *, count_if(is_start) OVER
    (PARTITION BY site_id, visitor_id ORDER BY event_time, event_id) AS visit
  FROM events
),
followed AS (
  SELECT site_id, visitor_id, page_path, lead(page_path) OVER
    (PARTITION BY site_id, visitor_id, visit ORDER BY event_time, event_id) AS next_page
  FROM visits WHERE event_type = 'page_view' AND page_path IS NOT NULL
),
pairs AS (
  SELECT page_path, next_page, count(1) AS views, count(DISTINCT site_id, visitor_id) AS visitors
  FROM followed WHERE true {page} GROUP BY page_path, next_page
)
SELECT page_path, next_page, views, visitors,
  views / sum(views) OVER (PARTITION BY page_path) AS share
FROM pairs
ORDER BY views DESC, page_path, next_page NULLS LAST
LIMIT :limit OFFSET :offset"""
    args = {
        **bind_page(selection),
        **bind_range(selection.start, selection.end),
        "gap_us": round(gap_s * 1_000_000),
    }
    if page_path is not None:
        args["page_path"] = page_path
    return Statement(sql, args, ("silver.events",), COLUMNS)
