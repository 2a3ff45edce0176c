"""How many visitors take the steps of a funnel, one after the other.

From a `Funnel` and a `Selection` to one statement over `silver.events`. The definition is that of
ClickHouse's `windowFunnel` in its default mode:

- A visitor's events that match any step are taken in the order of (event_time, event_id).
- A chain begins at any event that matches step 1 and goes on with later events that match step 2,
  3, ... in this order; whatever happens in between does not matter. One event is at most one step
  of a chain, so a step that is named twice needs two events.
- All of a chain lies within `window_s` from its first event; exactly `window_s` is within.
- A visitor has reached a step if any chain has: all possible beginnings count, not the first only.

One pass finds it: for each step, the latest beginning of a chain that has come so far is kept. If
any chain can still go on within its window, the one that began last can.
"""

from __future__ import annotations

from typing import Literal

from serving.journeys.conditions import bind_page, bind_range, choose_rows, join, within
from serving.journeys.definitions import Funnel, Step
from serving.queries import Statement
from serving.selection import Selection, Value

Breakdown = Literal[
    "device_type", "browser", "os", "country", "channel", "source", "medium", "campaign"
]

COLUMNS = (
    "step",
    "name",
    "visitors",
    "conversion_rate",
    "step_conversion_rate",
    "median_time_to_convert_s",
)
# In microseconds: `started`, when the chain that has come to this step began; `took`, from there
# to the first event that reached it. Every step looks at what the one before was before this event.
_GO_ON = """transform(steps, (step, place) -> CASE
        WHEN NOT event.matches[place] THEN step
        WHEN place = 0 THEN named_struct('started', event.at, 'took', 0L)
        WHEN event.at - get(steps, place - 1).started <= :window_us THEN named_struct(
          'started', get(steps, place - 1).started,
          'took', coalesce(step.took, event.at - get(steps, place - 1).started))
        ELSE step END)"""


def build_funnel(
    funnel: Funnel, selection: Selection, breakdown: Breakdown | None = None
) -> Statement:
    """The statement of a funnel: one row per step, or per value of `breakdown` and step.

    Columns: breakdown (only with one; of the visitor's first event that matches step 1), step
    (from 1), name, visitors, conversion_rate (of those of step 1), step_conversion_rate (of those
    of the step before; 1 for step 1), median_time_to_convert_s (seconds from a chain's first event
    to the first event that reached the step; null where nobody did). No rows if nobody began.
    All events of a chain lie in the range.
    """
    names: list[str] = []
    args = _bind(funnel, selection)
    for place, step in enumerate(funnel.steps):
        args[f"step{place}_name"] = step.label
        names.append(f":step{place}_name")
    matches = [match_step(place, step, args) for place, step in enumerate(funnel.steps)]
    sql = f"""WITH matching AS (
  SELECT site_id, visitor_id, {breakdown or "CAST(NULL AS STRING)"} AS breakdown,
    unix_micros(event_time) AS at, event_id, array({", ".join(matches)}) AS matches
  FROM {{silver_events}}
  WHERE {join([*within("event_date", "event_time"), *choose_rows(selection)])}
    AND visitor_id IS NOT NULL AND ({" OR ".join(matches)})
),
chains AS (
  SELECT min_by(breakdown, struct(at, event_id)) FILTER (WHERE matches[0]) AS breakdown,
    aggregate(
      array_sort(collect_list(struct(at, event_id, matches))),
      array_repeat(
        named_struct('started', CAST(NULL AS BIGINT), 'took', CAST(NULL AS BIGINT)), {len(names)}),
      (steps, event) -> {_GO_ON}
    ) AS steps
  FROM matching GROUP BY site_id, visitor_id
),
reached AS (
  SELECT breakdown, place, count(step.took) AS visitors, median(step.took) / 1e6 AS median_s
  FROM (SELECT breakdown, posexplode(steps) AS (place, step) FROM chains
    WHERE steps[0].took IS NOT NULL)
  GROUP BY breakdown, place
),
compared AS (
  SELECT *, first(visitors) OVER funnel AS began, lag(visitors) OVER funnel AS came_before
  FROM reached WINDOW funnel AS (PARTITION BY breakdown ORDER BY place)
)
SELECT {"breakdown, " if breakdown else ""}place + 1 AS step,
  array({", ".join(names)})[place] AS name, visitors,
  try_divide(visitors, began) AS conversion_rate,
  CASE WHEN place = 0 THEN 1D ELSE try_divide(visitors, came_before) END AS step_conversion_rate,
  median_s AS median_time_to_convert_s
FROM compared
ORDER BY began DESC, breakdown, place
LIMIT :limit OFFSET :offset"""
    columns = ("breakdown", *COLUMNS) if breakdown else COLUMNS
    return Statement(sql, args, ("silver.events",), columns)


def _bind(funnel: Funnel, selection: Selection) -> dict[str, Value]:
    return {
        **bind_page(selection),
        **bind_range(selection.start, selection.end),
        "window_us": round(funnel.window_s * 1_000_000),
    }


def match_step(place: int, step: Step, args: dict[str, Value]) -> str:
    """SQL of whether an event is this step; puts the values it compares with into `args`."""
    named = (("event_type", step.event_type), ("event_name", step.event_name))
    conditions = []
    for column, value in (*named, *step.filters.items()):
        if value is not None:
            args[f"step{place}_{column}"] = value
            conditions.append(f"{column} = :step{place}_{column}")
    if step.page_path is not None:
        args[f"step{place}_page_path"] = step.page_path.removesuffix("*")
        is_prefix = step.page_path.endswith("*")
        compare = "startswith(page_path, {})" if is_prefix else "page_path = {}"
        conditions.append(compare.format(f":step{place}_page_path"))
    # A column without a value is no match.
    return f"coalesce({join(conditions)}, false)"
