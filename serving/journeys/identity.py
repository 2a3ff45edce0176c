"""Who is who: visitors to people. docs/identity.md tells the rule and its limits.

A visitor who was ever seen with a user_id is that user, before and after; by the latest one, where
there were several. From `gold.user_days` alone, so it can be made again from Silver at any time.
"""

from __future__ import annotations

from serving.journeys.conditions import choose_sites, is_counted, join
from serving.queries import Selection

# Columns that `visitors` needs of its source; identity: struct<session_end, user_id>.
HISTORY_COLUMNS = ("site_id", "visitor_id", "identity", "first_start")


def read_history(selection: Selection, *columns: str) -> str:
    """SQL of every hour of every visitor: HISTORY_COLUMNS, is_counted, and `columns`."""
    named = ", ".join((*HISTORY_COLUMNS, f"{is_counted(selection)} AS is_counted", *columns))
    return f"SELECT {named} FROM {{gold_user_days}} WHERE {join(choose_sites(selection))}"


def find_people(history: str = "history") -> str:
    """SQL of two steps, `visitors` and `people`, after one of the columns of `read_history`.

    visitors: site_id, visitor_id, person, first_start; people: person, first_start, which is the
    start of the first session ever that counts, null where none does. Bots' sessions tell who a
    visitor is as any other's.
    """
    return f"""visitors AS (
  SELECT site_id, visitor_id, coalesce(max(identity).user_id, visitor_id) AS person,
    min(first_start) FILTER (WHERE is_counted) AS first_start
  FROM {history} GROUP BY site_id, visitor_id
),
people AS (SELECT person, min(first_start) AS first_start FROM visitors GROUP BY person)"""
