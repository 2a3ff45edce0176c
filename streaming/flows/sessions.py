"""Flow `sessions`: `silver.events` and heartbeats into `silver.sessions`.

Closed pieces with nothing late about them are appended as the stream gives them. The days of all
other visitors are computed from `silver.events` and put in the place of what the table says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from settings.model import SessionSettings
from streaming import clock
from streaming.checkpoints import read_offsets
from streaming.delta_log import (
    AddedFile,
    files_touched,
    is_carried_back,
    latest_time,
    rewriting_versions,
)
from streaming.flow import Flow, WriteBatch
from streaming.flows.session_repair import compare_sessions, recompute_days, same_session
from streaming.rejudge.journal import Journal, read_journal
from streaming.runtime import Runtime
from streaming.sessionization import (
    DAY_S,
    judge_sessions,
    sessionize_stream,
)
from streaming.sinks import Batch
from streaming.sources import (
    forget_plan,
    keep_batch,
    keep_cached,
    read_changes,
    read_files,
    read_table,
    stream_table,
)

log = structlog.get_logger(__name__)

_VISITOR = ("site_id", "visitor_id")
_TABLE = silver.SESSIONS


def _read(runtime: Runtime) -> DataFrame:
    events = stream_table(runtime, silver.EVENTS)
    heartbeats = stream_table(runtime, silver.HEARTBEATS)
    return sessionize_stream(events, heartbeats, runtime.settings.session)


def _open(_: Runtime) -> WriteBatch:
    return write_batch


def write_batch(closed: DataFrame, batch: Batch) -> None:
    """Write one micro-batch; closed: see `streaming.sessionization.sessionize_stream`."""
    settings = batch.runtime.settings.session
    late_files = [
        file
        for file in batch.files_read(silver.EVENTS)
        if file.partition_values["is_late"] == "true"
    ]
    metadata = _metadata(batch, settings)
    table = batch.runtime.table(silver.EVENTS.name)
    rewritten = [
        version
        for version in rewriting_versions(table, *batch.span_read())
        if not is_carried_back(table, version)
    ]
    with keep_batch(forget_plan(closed)) as closed, keep_cached() as cached:
        batch.give_way()
        closed = judge_sessions(closed, batch.runtime.rules.current.bots.behaviour)
        bounds = closed.agg(F.min("first_day").alias("first"), F.max("last_day").alias("last"))
        first_day, last_day = bounds.collect()[0]
        dirty = []
        if first_day is not None:
            late = _late_days(batch.runtime, first_day, last_day)
            rebuilt = _is_rebuilt(read_journal(batch.runtime.settings))
            closed = cached(_flag_dirty(closed, late, rebuilt, settings))
            clean = closed.where("NOT is_dirty").select(*_TABLE.column_names)
            batch.append(_TABLE, clean, metadata)
            days = F.explode(F.expr("sequence(first_day, last_day)")).alias("day")
            dirty.append(closed.where("is_dirty").select(*_VISITOR, days))
        if late_files:
            late_events = read_files(batch.runtime, silver.EVENTS, late_files)
            dirty.append(late_events.select(*_VISITOR, F.col("event_date").alias("day")))
        dirty += [_days_rewritten(batch.runtime, version) for version in rewritten]
        if dirty:
            visitor_days = cached(reduce(DataFrame.union, dirty).distinct())
            files = [*late_files, *files_touched(table, rewritten)]
            closed_before = _closed_before(batch, files)
            _repair(visitor_days, closed_before, batch, metadata, cached)


def _repair(
    dirty: DataFrame,
    closed_before: datetime,
    batch: Batch,
    metadata: dict[str, Any] | None,
    cached: Callable[[DataFrame], DataFrame],
) -> None:
    """Make `silver.sessions` say of the dirty days what `silver.events` says."""
    days = [row.day for row in dirty.select("day").distinct().collect()]
    if not days:
        return
    old, new = recompute_days(dirty, days, closed_before, batch.runtime)
    changes = cached(compare_sessions(old, cached(new)))
    changed = changes.count()
    log.info("sessions computed again", flow=batch.flow, batch=batch.batch_id, changed=changed)
    if changed:
        batch.merge(_TABLE, changes, same_session(days), metadata)


def _late_days(runtime: Runtime, first_day: Any, last_day: Any) -> DataFrame:
    """Visitors with late events, by the days whose sessions such an event can touch."""
    late = (
        read_table(runtime, silver.EVENTS.name)
        .where("is_late")
        .where(
            F.col("event_date").between(first_day - timedelta(days=1), last_day + timedelta(days=1))
        )
        .select(*_VISITOR, "event_date")
    )
    touched = F.explode(F.expr("sequence(event_date - 1, event_date + 1)"))
    return late.select(*_VISITOR, touched.alias("session_date")).distinct()


def _days_rewritten(runtime: Runtime, version: int) -> DataFrame:
    """Visitors and days whose events a version of `silver.events` changed or took out."""
    changes = read_changes(runtime, silver.EVENTS, version)
    return changes.select(*_VISITOR, F.col("event_date").alias("day"))


def _is_rebuilt(journal: Journal) -> str:
    """SQL: events of the session's day were changed after the stream had read some of them."""
    passes = [*journal.done, *([journal.pending] if journal.pending else [])]
    ranges = [
        f"session_date BETWEEN date'{one.first_day}' AND date'{one.last_day}'"
        for one in passes
        if one.days is not None
    ]
    return " OR ".join(ranges) or "false"


def _flag_dirty(
    closed: DataFrame, late: DataFrame, is_rebuilt: str, settings: SessionSettings
) -> DataFrame:
    """Add is_dirty: the stream cannot know the whole session.

    A late event may belong to it, its day was rebuilt, or it comes so close to midnight that the
    next or the previous day's piece may.
    """
    day_start = "unix_seconds(timestamp(session_date))"
    near_midnight = (
        f"unix_seconds(session_start) <= {day_start} + {settings.gap_s} "
        f"OR unix_seconds(session_end) >= {day_start} + {DAY_S - settings.gap_s} - 1"
    )
    touched = late.withColumn("_is_touched", F.lit(True))
    return (
        closed.join(touched, [*_VISITOR, "session_date"], how="left")
        .withColumn(
            "is_dirty",
            F.expr(f"has_late OR _is_touched IS NOT NULL OR {near_midnight} OR {is_rebuilt}"),
        )
        .drop("_is_touched")
    )


def _watermark(batch: Batch) -> datetime:
    """The event time up to which this batch has closed sessions."""
    checkpoint = batch.runtime.checkpoint(batch.flow)
    metadata, _ = read_offsets(checkpoint, batch.batch_id)
    return datetime.fromtimestamp(metadata["batchWatermarkMs"] / 1000, UTC)


def _metadata(batch: Batch, settings: SessionSettings) -> dict[str, Any] | None:
    watermark = _watermark(batch)
    if watermark == datetime.fromtimestamp(0, UTC):  # Spark's start value: none yet
        return None
    return {"complete_until": (watermark - timedelta(seconds=settings.gap_s)).isoformat()}


def _closed_before(batch: Batch, files: list[AddedFile]) -> datetime:
    """Sessions that end, with their gap, before this are closed.

    The watermark, or what it would be at the arrival of the events in `files`: an import of old
    events on an idle system has its sessions at once.
    """
    delay = timedelta(seconds=clock.watermark_delay_s(batch.runtime.settings.session))
    arrivals = [latest_time([file], "arrival_time") for file in files]
    return max([_watermark(batch), *(time - delay for time in arrivals if time is not None)])


SESSIONS = Flow(
    name="sessions", targets=(_TABLE.name,), read=_read, open=_open, has_empty_batches=True
)
