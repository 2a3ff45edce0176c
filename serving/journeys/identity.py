"""Who is who: visitors to people. docs/identity.md tells the rule and its limits.

A visitor who was ever seen with a user_id is that user, before and after; by the latest one, where
there were several. From `gold.user_days` alone, so it can be made again from Silver at any time.
"""

from __future__ import annotations

from serving.journeys.conditions import choose_sites, is_counted, join
from serving.selection import Selection

# Columns that `visitors` needs of its source; identity: struct<session_end, user_id>.
HISTORY_COLUMNS = ("site_id", "visitor_id", "identity", "first_start")


def read_history(selection: Selection, *columns: str) -> str:
    """SQL of every hour of every visitor: HISTORY_COLUMNS, is_counted, and `columns`."""
    named = ", ".join((*HISTORY_COLUMNS, f"{is_counted(selection)} AS is_counted", *columns))
    return f"SELECT {named} FROM {{gold_user_days}} WHERE {join(choose_sites(selection))}"


def find_people() -> str:
    """SQL of a step `visitors`, after a step `history` of the columns of `read_history`.

    visitors: site_id, visitor_id, person, and came_first: the start of the person's first session
    ever that counts, null where none does. Bots' sessions tell who a visitor is as any other's.
    A step is computed wherever it is named: name it once, it reads all history.
    """
    return """visitors AS (
  SELECT site_id, visitor_id, person, min(visitor_start) OVER (PARTITION BY person) AS came_first
  FROM (
    SELECT site_id, visitor_id, coalesce(max(identity).user_id, visitor_id) AS person,
      min(first_start) FILTER (WHERE is_counted) AS visitor_start
    FROM history GROUP BY site_id, visitor_id
  )
)"""
