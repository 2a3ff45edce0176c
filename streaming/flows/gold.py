"""Flows `gold_events` and `gold_sessions`: Silver into mergeable partials.

Events only ever come in addition, late ones too, so their partials are appended. Sessions can be
replaced; then the partials of the hours concerned are computed anew from the sessions as of the
very version that the change feed has led to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from streaming.checkpoints import read_span
from streaming.delta_log import latest_time, read_commits, read_metadata
from streaming.flow import Flow, WriteBatch
from streaming.gold import aggregate_partials
from streaming.runtime import Runtime
from streaming.sinks import Batch
from streaming.sources import keep_batch, read_table, stream_changes, stream_table


def _read_events(runtime: Runtime) -> DataFrame:
    return stream_table(runtime, silver.EVENTS)


def _open_events(_: Runtime) -> WriteBatch:
    as_of: datetime | None = None

    def write(events: DataFrame, batch: Batch) -> None:
        nonlocal as_of
        latest = latest_time(batch.files_read(silver.EVENTS), "event_time")
        as_of = max((time for time in (latest, as_of) if time), default=None)
        metadata = {"as_of": as_of.isoformat()} if as_of else None
        for table in EVENT_GRAIN:
            batch.append(table, aggregate_partials(events, table), metadata)

    return write


def _read_sessions(runtime: Runtime) -> DataFrame:
    return stream_changes(runtime, silver.SESSIONS)


def _open_sessions(_: Runtime) -> WriteBatch:
    return write_session_changes


def write_session_changes(changes: DataFrame, batch: Batch) -> None:
    """Write one micro-batch of the sessions' change feed to every table of session grain."""
    with_hours = changes.withColumn("_hour", F.date_trunc("hour", "session_start"))
    with keep_batch(with_hours) as changes:
        replaced = changes.where("_change_type <> 'insert'").select("_hour").distinct()
        hours = [int(row[0]) for row in replaced.select(F.unix_seconds("_hour")).collect()]
        metadata = _complete_until(batch)
        is_replaced = f"unix_seconds(_hour) IN ({', '.join(map(str, hours))})" if hours else "false"
        added = changes.where(f"NOT ({is_replaced})")
        for table in SESSION_GRAIN:
            batch.append(table, aggregate_partials(added, table), metadata)
        if hours:
            version = changes.agg(F.max("_commit_version")).collect()[0][0]
            sessions = read_table(batch.runtime, silver.SESSIONS.name, version)
            now = sessions.withColumn("_hour", F.date_trunc("hour", "session_start")).where(
                is_replaced
            )
            for table in SESSION_GRAIN:
                batch.replace(table, aggregate_partials(now, table), _hours_filter(hours), metadata)


def _hours_filter(hours: list[int]) -> str:
    times = [datetime.fromtimestamp(hour, UTC) for hour in sorted(hours)]
    dates = ", ".join(f"date'{day}'" for day in sorted({time.date() for time in times}))
    buckets = ", ".join(f"timestamp'{time:%Y-%m-%d %H:%M:%S}'" for time in times)
    return f"date IN ({dates}) AND bucket IN ({buckets})"


def _complete_until(batch: Batch) -> dict[str, Any] | None:
    """What the commits that this batch reads say of how far sessions are closed."""
    start, end = read_span(batch.runtime.checkpoint(batch.flow), batch.batch_id)
    commits = read_commits(batch.runtime.table(silver.SESSIONS.name), start.version, end.version)
    times = [read_metadata(actions).get("complete_until") for actions in commits]
    known = [datetime.fromisoformat(time) for time in times if time]
    return {"complete_until": max(known).isoformat()} if known else None


GOLD_EVENTS = Flow(
    name="gold_events",
    targets=tuple(table.name for table in EVENT_GRAIN),
    read=_read_events,
    open=_open_events,
)
GOLD_SESSIONS = Flow(
    name="gold_sessions",
    targets=tuple(table.name for table in SESSION_GRAIN),
    read=_read_sessions,
    open=_open_sessions,
)
