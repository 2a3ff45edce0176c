"""Which sources earned the conversions: credit along a person's sessions before each of them.

From a `Selection` to one statement over `silver.sessions`, with identities of `gold.user_days`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from serving.journeys.conditions import bind_page, bind_range, choose_rows, join
from serving.journeys.identity import find_people, read_history
from serving.queries import Statement
from serving.selection import Selection, Value

Model = Literal["first", "last", "linear", "position"]
Origin = Literal["channel", "source", "medium", "campaign"]

# Share of one conversion that the touch at `place` (from 1) of `touches` gets; they add up to 1.
# Position-based is 40/20/40, and halves where there is no middle (Google Analytics until 2023).
_WEIGHTS: dict[Model, str] = {
    "first": "CAST(place = 1 AS DOUBLE)",
    "last": "CAST(place = touches AS DOUBLE)",
    "linear": "1D / touches",
    "position": "CASE WHEN touches <= 2 THEN 1D / touches "
    "WHEN place IN (1, touches) THEN 0.4D ELSE 0.2D / (touches - 2) END",
}
# What a session without any source says it came from (CONTRACT section 3).
_IS_DIRECT = "source = '(direct)'"


def build_attribution(
    selection: Selection,
    model: Model,
    window_s: float,
    group_by: tuple[Origin, ...] = ("channel", "source", "medium"),
    include_direct: bool = False,
) -> Statement:
    """The statement of conversions and revenue by the sources that earned them.

    Columns: `group_by`, conversions (credited, with fractions), revenue (likewise); the most
    credited first. Credited are the conversions of the sessions that start in the range: the sums
    over all rows are those of /sessions, whatever the model. The touches of a conversion are the
    sessions of the same person on the same site, from `window_s` before its session up to and
    including it, in order of their start. A direct session gets credit only where all are direct
    (Google Analytics 4: all its models), or with `include_direct`.
    """
    columns = (*group_by, "conversions", "revenue")
    keys = ", ".join(group_by)
    sql = f"""WITH history AS ({read_history(selection)}),
{find_people()},
sessions AS (
  SELECT site_id, coalesce(person, visitor_id) AS person, session_id, session_start,
    channel, source, medium, campaign, conversions, revenue
  FROM (SELECT * FROM {{silver_sessions}} WHERE {join(_choose_sessions(selection))})
    LEFT JOIN visitors USING (site_id, visitor_id)
),
paths AS (
  SELECT converted.session_id, converted.conversions, converted.revenue,
    touch.session_start, touch.session_id AS touch_id,
    touch.channel, touch.source, touch.medium, touch.campaign,
    touch.{_IS_DIRECT} AS is_direct,
    min(touch.{_IS_DIRECT}) OVER (PARTITION BY converted.session_id) AS is_all_direct
  FROM sessions AS converted JOIN sessions AS touch USING (site_id, person)
  WHERE converted.conversions > 0 AND converted.session_start >= :start
    AND unix_micros(converted.session_start) - unix_micros(touch.session_start)
      BETWEEN 0 AND :window_us
    AND struct(touch.session_start, touch.session_id)
      <= struct(converted.session_start, converted.session_id)
),
placed AS (
  SELECT *, row_number() OVER (PARTITION BY session_id ORDER BY session_start, touch_id) AS place,
    count(1) OVER (PARTITION BY session_id) AS touches
  FROM paths WHERE {"true" if include_direct else "NOT is_direct OR is_all_direct"}
),
weighted AS (SELECT *, {_WEIGHTS[model]} AS weight FROM placed)
SELECT {keys}, sum(conversions * weight) AS conversions,
  CAST(coalesce(sum(CAST(revenue AS DOUBLE) * weight), 0) AS DOUBLE) AS revenue
FROM weighted WHERE weight > 0
GROUP BY {keys}
ORDER BY conversions DESC, {keys}
LIMIT :limit OFFSET :offset"""
    return Statement(
        sql, _bind(selection, window_s), ("silver.sessions", "gold.user_days"), columns
    )


def _choose_sessions(selection: Selection) -> list[str]:
    """The sessions of the range, and those before it that can be touches."""
    return [
        "session_date BETWEEN :first_date AND :last_date",
        "session_start >= :lookback_start",
        "session_start < :end",
        *choose_rows(selection),
    ]


def _bind(selection: Selection, window_s: float) -> dict[str, Value]:
    lookback_start = selection.start - timedelta(seconds=window_s)
    return {
        **bind_page(selection),
        **bind_range(lookback_start, selection.end),
        "start": selection.start,
        "lookback_start": lookback_start,
        "window_us": round(window_s * 1_000_000),
    }
