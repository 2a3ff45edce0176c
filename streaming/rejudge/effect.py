"""The numbers of the days that a pass touches, as they are and as they would be.

From the tables and the staged outcomes to what `diff` compares.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import bronze, silver
from streaming import clock
from streaming.delta_log import latest_version, read_commit, read_metadata
from streaming.rejudge.diff import Numbers, measure
from streaming.rejudge.journal import Pass
from streaming.rejudge.outcomes import Outcomes
from streaming.runtime import Runtime
from streaming.sessionization import EVENT_COLUMNS, sessionize_events
from streaming.silver import KEY
from streaming.sources import keep_cached, read_table

_DAY = timedelta(days=1)


def measure_effect(runtime: Runtime, one: Pass, staged: Outcomes) -> tuple[Numbers, Numbers]:
    """Every number of the pass's days, before and after it."""
    dates = _dates_of(one, staged)
    events = read_table(runtime, silver.EVENTS.name).where(_is_one_of("event_date", _near(dates)))
    parts = (staged.events, staged.dead_letters, staged.duplicates)
    judged = reduce(DataFrame.union, [part.select(*KEY) for part in parts])
    names = silver.EVENTS.column_names
    with keep_cached() as cached:
        judged = cached(judged)
        kept = events.join(judged, [*KEY], how="left_anti").select(*names)
        after = cached(kept.unionByName(staged.events.select(*names)))
        sessions = read_table(runtime, silver.SESSIONS.name)
        days, starts = _is_one_of("event_date", dates), _is_one_of("session_date", dates)
        now = measure(events.where(days), sessions.where(starts), _rows_now(runtime, judged))
        then = measure(
            after.where(days),
            cached(_sessions_of(after, runtime).where(starts)),
            _labelled(staged.dead_letters, staged.duplicates),
        )
    return now, then


def _dates_of(one: Pass, staged: Outcomes) -> list[date]:
    if one.first_day and one.last_day:
        length = (one.last_day - one.first_day).days
        return [one.first_day + number * _DAY for number in range(length + 1)]
    return [row[0] for row in staged.events.select("event_date").distinct().collect()]


def _near(dates: list[date]) -> list[date]:
    """The dates, and those next to them: a session may cross midnight."""
    return sorted({day + number * _DAY for day in dates for number in (-1, 0, 1)})


def _is_one_of(column: str, dates: list[date]) -> str:
    shown = ", ".join(f"date'{day}'" for day in dates)
    return f"{column} IN ({shown})" if dates else "false"


def _sessions_of(events: DataFrame, runtime: Runtime) -> DataFrame:
    """The closed sessions that these events make."""
    closed = F.lit(_complete_until(runtime))
    thresholds = runtime.rules.current.bots.behaviour
    found = sessionize_events(events.select(*EVENT_COLUMNS), runtime.settings.session, thresholds)
    return found.where(F.col("session_end") <= closed)


def _complete_until(runtime: Runtime) -> datetime:
    """Event time up to which sessions are closed, as the flow `sessions` last said."""
    table = runtime.table(silver.SESSIONS.name)
    for version in range(latest_version(table), -1, -1):
        said = read_metadata(read_commit(table, version) or []).get("complete_until")
        if said:
            return datetime.fromisoformat(said)
    return datetime.now(UTC) - timedelta(seconds=clock.watermark_delay_s(runtime.settings.session))


def _rows_now(runtime: Runtime, judged: DataFrame) -> dict[str, DataFrame]:
    """The judged records' rows in the dead letters and the duplicates."""
    letters, copies = (
        read_table(runtime, name).join(judged, [*KEY], how="left_semi")
        for name in (bronze.DEAD_LETTERS.name, silver.DUPLICATES.name)
    )
    return _labelled(letters, copies)


def _labelled(letters: DataFrame, copies: DataFrame) -> dict[str, DataFrame]:
    return {
        bronze.DEAD_LETTERS.name: letters.select(F.col("reason").alias("label")),
        silver.DUPLICATES.name: copies.select(F.lit("in all").alias("label")),
    }
