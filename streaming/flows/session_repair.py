"""The repair of sessions: what `silver.sessions` has of some visitors' days, and what it should.

From dirty days to the sessions as the table has them, as `silver.events` has them, and what turns
the one into the other (docs/adr/0003).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from streaming import clock
from streaming.runtime import Runtime
from streaming.sessionization import DAY_S, EVENT_COLUMNS, sessionize_events
from streaming.sources import read_table

_VISITOR = ("site_id", "visitor_id")


def recompute_days(
    dirty: DataFrame, days: list[date], closed_before: datetime, runtime: Runtime
) -> tuple[DataFrame, DataFrame]:
    """The sessions of the dirty days as the table has them, and as `silver.events` has them.

    Compared are the sessions that touch a dirty day or come within the gap of it: whether and how
    pieces join at its two midnights depends on the day before, the day and the day after alone.
    """
    settings, thresholds = runtime.settings.session, runtime.rules.current.bots.behaviour
    reach = dirty.select(
        *_VISITOR,
        F.expr(clock.add_seconds("timestamp(day)", -settings.gap_s)).alias("_from"),
        F.expr(clock.add_seconds("timestamp(day)", DAY_S + settings.gap_s)).alias("_to"),
    )
    around = dirty.select(
        *_VISITOR, F.explode(F.expr("sequence(day - 1, day + 1)")).alias("event_date")
    ).distinct()
    events = (
        read_table(runtime, silver.EVENTS.name)
        .where(within_a_day("event_date", days))
        .join(around, [*_VISITOR, "event_date"], how="left_semi")
        .select(*EVENT_COLUMNS)
    )
    is_closed = F.expr(clock.add_seconds("session_end", settings.gap_s)) <= F.lit(closed_before)
    new = _touching(sessionize_events(events, settings, thresholds), reach).where(is_closed)
    table = read_table(runtime, silver.SESSIONS.name).where(within_a_day("session_date", days))
    return _touching(table, reach), new


def within_a_day(column: str, days: list[date]) -> str:
    """SQL: the date is one of the days, or next to one; it names partitions, so it prunes."""
    near = {day + timedelta(days=distance) for day in days for distance in (-1, 0, 1)}
    dates = ", ".join(f"date'{day}'" for day in sorted(near))
    return f"{column} IN ({dates})"


def same_session(days: list[date]) -> str:
    return (
        f"{within_a_day('target.session_date', days)} "
        "AND target.session_date = source.session_date AND target.session_id = source.session_id"
    )


def _touching(sessions: DataFrame, reach: DataFrame) -> DataFrame:
    overlaps = (
        (F.col("session_end") >= F.col("_from"))
        & (F.col("session_start") <= F.col("_to"))
        & (F.col("sessions.site_id") == F.col("reach.site_id"))
        & (F.col("sessions.visitor_id") == F.col("reach.visitor_id"))
    )
    return sessions.alias("sessions").join(reach.alias("reach"), overlaps, how="left_semi")


def compare_sessions(old: DataFrame, new: DataFrame) -> DataFrame:
    """What turns `old` into `new`: new or changed sessions, and those that are gone (is_gone)."""
    names = silver.SESSIONS.column_names
    old, new = old.select(*names), new.select(*names)
    changed = new.exceptAll(old).withColumn("is_gone", F.lit(False))
    gone = old.join(new, ["session_id", "session_date"], how="left_anti")
    return changed.unionByName(gone.select(*names).withColumn("is_gone", F.lit(True)))
