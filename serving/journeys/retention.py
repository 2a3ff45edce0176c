"""Who comes back: cohorts by the time of the first session ever, and life by periods.

From a `Selection` to one statement over `gold.user_days`. Periods are UTC days, ISO weeks and
calendar months, and always whole: `selection.start` must be the start of one.
"""

from __future__ import annotations

from datetime import UTC, datetime

from serving.journeys.conditions import Period, bind_page, bind_range, last_period
from serving.journeys.identity import find_people, read_history
from serving.merging import BUCKET_FORMAT
from serving.queries import Statement
from serving.selection import Selection, Value

RETENTION_COLUMNS = ("cohort", "size", "period", "visitors", "rate", "complete")
LIFECYCLE_COLUMNS = ("bucket", "new", "returning", "resurrecting", "dormant", "complete")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def build_retention(
    selection: Selection, period: Period, complete_until: datetime | None
) -> Statement:
    """The statement of first-time cohorts: one row per cohort and period.

    Columns: cohort (date of the period in which the first session ever of its people started),
    size (people), period (from 0, the cohort's own), visitors (of them, with a session that starts
    in that period), rate (visitors / size), complete (the period is over, and its sessions are
    closed: what is not complete can still grow). That is N-day retention by calendar periods
    (Amplitude: "strict calendar dates"). Only what lies in the range is looked at.
    """
    sql = f"""WITH history AS ({read_history(selection, "bucket", "date")}),
{find_people()},
active AS (
  SELECT DISTINCT person, {_trunc(period, "came_first")} AS cohort,
    {_trunc(period, "bucket")} AS period_start
  FROM history JOIN visitors USING (site_id, visitor_id)
  WHERE came_first >= :start AND came_first < :end
    AND is_counted AND date BETWEEN :first_date AND :last_date AND first_start < :end
),
cohorts AS (
  SELECT cohort, map_from_entries(collect_list(struct(period_start, visitors))) AS came
  FROM (SELECT cohort, period_start, count(1) AS visitors FROM active GROUP BY ALL)
  GROUP BY cohort
),
grid AS (
  -- Everybody of a cohort came in its own period.
  SELECT cohort, came, try_element_at(came, cohort) AS size,
    posexplode(sequence(cohort, :last_period, {_step(period)})) AS (period, period_start)
  FROM cohorts
)
SELECT date_format(cohort, 'yyyy-MM-dd') AS cohort, size, period,
  coalesce(try_element_at(came, period_start), 0) AS visitors,
  coalesce(try_element_at(came, period_start), 0) / size AS rate,
  period_start + {_step(period)} <= :closed_until AS complete
FROM grid
ORDER BY cohort, period
LIMIT :limit OFFSET :offset"""
    args = _bind(selection, period, complete_until)
    return Statement(sql, args, ("gold.user_days",), RETENTION_COLUMNS)


def build_lifecycle(
    selection: Selection, period: Period, complete_until: datetime | None
) -> Statement:
    """The statement of how the active people of each period came to be so.

    Columns: bucket (start of the period), new (their first session ever starts in it), returning
    (had one in the period before too), resurrecting (had none in the period before, but earlier),
    dormant (had one in the period before, none in this), complete (see build_retention). The terms
    are PostHog's (Lifecycle); Amplitude calls them new, current, resurrected, dormant. Those active
    are new + returning + resurrecting. No row where all four are 0.
    """
    this_period = "array(struct(active_in AS bucket, kind))"
    next_period = f"array(struct(active_in + {_step(period)} AS bucket, 'dormant' AS kind))"
    sql = f"""WITH history AS ({read_history(selection, "bucket", "date")}),
{find_people()},
active AS (
  SELECT DISTINCT person, came_first, {_trunc(period, "bucket")} AS active_in
  FROM history JOIN visitors USING (site_id, visitor_id)
  WHERE is_counted AND first_start < :end AND bucket >= :start - {_step(period)}
),
placed AS (
  SELECT person, came_first, active_in,
    lag(active_in) OVER life AS before, lead(active_in) OVER life AS after
  FROM active WINDOW life AS (PARTITION BY person ORDER BY active_in)
),
named AS (
  SELECT active_in, after, CASE
      WHEN {_trunc(period, "came_first")} = active_in THEN 'new'
      WHEN before + {_step(period)} = active_in THEN 'returning'
      ELSE 'resurrecting' END AS kind
  FROM placed
),
counted AS (
  SELECT inline(CASE WHEN after = active_in + {_step(period)} THEN {this_period}
    ELSE concat({this_period}, {next_period}) END) FROM named
)
SELECT date_format(bucket, '{BUCKET_FORMAT}') AS bucket,
  count_if(kind = 'new') AS new, count_if(kind = 'returning') AS returning,
  count_if(kind = 'resurrecting') AS resurrecting, count_if(kind = 'dormant') AS dormant,
  counted.bucket + {_step(period)} <= :closed_until AS complete
FROM counted WHERE bucket >= :start AND bucket <= :last_period
GROUP BY counted.bucket
ORDER BY counted.bucket
LIMIT :limit OFFSET :offset"""
    args = _bind(selection, period, complete_until)
    del args["first_date"], args["last_date"]
    return Statement(sql, args, ("gold.user_days",), LIFECYCLE_COLUMNS)


def _bind(
    selection: Selection, period: Period, complete_until: datetime | None
) -> dict[str, Value]:
    return {
        **bind_page(selection),
        **bind_range(selection.start, selection.end),
        "last_period": last_period(selection.end, period),
        "closed_until": min(selection.end, complete_until or _NEVER),
    }


def _trunc(period: Period, time: str) -> str:
    return f"date_trunc('{period.upper()}', {time})"


def _step(period: Period) -> str:
    return f"INTERVAL 1 {period.upper()}"
