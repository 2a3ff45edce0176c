"""Flows `gold_events` and `gold_sessions`: Silver's change feeds into mergeable partials.

New rows add partials. Where rows were changed or taken out (late events re-made a session, rules
were applied again), the partials of the hours concerned are computed anew from the source as of the
very version that the change feed has led to (docs/adr/0004).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from schemas.table import GoldTable, Table
from streaming.delta_log import latest_time, read_commits, read_metadata, rewriting_versions
from streaming.flow import Flow, WriteBatch
from streaming.gold import aggregate_partials
from streaming.runtime import Runtime
from streaming.sinks import Batch
from streaming.sources import keep_batch, read_table, stream_changes

# Beyond so many hours whole days are replaced: the predicate stays short.
_MAX_HOURS = 96

Metadata = Mapping[str, Any] | None


@dataclass(frozen=True)
class _Grain:
    """The Gold tables of one source, with its time and its partition column."""

    source: Table
    tables: tuple[GoldTable, ...]
    time: str
    date: str


_EVENTS = _Grain(silver.EVENTS, EVENT_GRAIN, "event_time", "event_date")
_SESSIONS = _Grain(silver.SESSIONS, SESSION_GRAIN, "session_start", "session_date")


def _read_events(runtime: Runtime) -> DataFrame:
    return stream_changes(runtime, silver.EVENTS)


def _open_events(_: Runtime) -> WriteBatch:
    as_of: datetime | None = None

    def write(changes: DataFrame, batch: Batch) -> None:
        nonlocal as_of
        latest = latest_time(batch.files_read(silver.EVENTS), "event_time")
        as_of = max((time for time in (latest, as_of) if time), default=None)
        write_changes(changes, batch, _EVENTS, {"as_of": as_of.isoformat()} if as_of else None)

    return write


def _read_sessions(runtime: Runtime) -> DataFrame:
    return stream_changes(runtime, silver.SESSIONS)


def _open_sessions(_: Runtime) -> WriteBatch:
    def write(changes: DataFrame, batch: Batch) -> None:
        write_changes(changes, batch, _SESSIONS, _complete_until(batch))

    return write


def write_changes(changes: DataFrame, batch: Batch, grain: _Grain, metadata: Metadata) -> None:
    """Write one micro-batch of the source's change feed to every table of the grain."""
    if not rewriting_versions(batch.runtime.table(grain.source.name), *batch.span_read()):
        for table in grain.tables:
            batch.append(table, aggregate_partials(changes, table), metadata)
        return
    with keep_batch(_with_bucket(changes, grain)) as changes:
        replaced = _find_replaced(changes)
        added = changes.where(f"NOT ({replaced})") if replaced else changes
        for table in grain.tables:
            batch.append(table, aggregate_partials(added, table), metadata)
        if replaced:
            version = changes.agg(F.max("_commit_version")).collect()[0][0]
            now = _with_bucket(read_table(batch.runtime, grain.source.name, version), grain)
            now = now.where(replaced)
            for table in grain.tables:
                batch.replace(table, aggregate_partials(now, table), replaced, metadata)


def _with_bucket(rows: DataFrame, grain: _Grain) -> DataFrame:
    """Add the columns that Gold tables place a row by: `bucket` (its hour) and `date`."""
    return rows.withColumns({"bucket": F.date_trunc("hour", grain.time), "date": F.col(grain.date)})


def _find_replaced(changes: DataFrame) -> str | None:
    """SQL over `date` and `bucket`: the hours in which rows are no longer what they were."""
    gone = changes.where("_change_type <> 'insert'").select(F.unix_seconds("bucket")).distinct()
    times = [datetime.fromtimestamp(int(row[0]), UTC) for row in gone.collect()]
    if not times:
        return None
    dates = ", ".join(f"date'{day}'" for day in sorted({time.date() for time in times}))
    if len(times) > _MAX_HOURS:
        return f"date IN ({dates})"
    buckets = ", ".join(f"timestamp'{time:%Y-%m-%d %H:%M:%S}'" for time in sorted(times))
    return f"date IN ({dates}) AND bucket IN ({buckets})"


def _complete_until(batch: Batch) -> dict[str, Any] | None:
    """What the commits that this batch reads say of how far sessions are closed."""
    start, end = batch.span_read()
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
