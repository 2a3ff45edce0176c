"""Flows `gold_events`, `gold_details`, `gold_sessions`: Silver's change feeds into partials.

`gold_events` writes the page metrics alone and often; the other tables of events have time.

New rows add partials. Where rows were changed or taken out (late events re-made a session, rules
were applied again), the partials of the hours concerned are computed anew from the source as of the
very version that the change feed has led to (docs/adr/0004).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from schemas.gold import EVENT_DETAILS, SESSION_GRAIN
from schemas.gold.pages import PAGES
from schemas.table import GoldTable, Table
from streaming.delta_log import latest_time, read_commits, read_metadata, rewriting_versions
from streaming.flow import Flow, WriteBatch
from streaming.folding import open_folding
from streaming.gold import find_columns, prepare_partials
from streaming.prepared import Transform, prepare_selection
from streaming.runtime import Runtime
from streaming.sinks import Batch
from streaming.sources import keep_batch, read_table, stream_changes

# Beyond so many hours whole days are replaced: the predicate stays short.
_MAX_HOURS = 96
_HOUR = timedelta(hours=1)
# What the change feed says of a row.
_CHANGE = ("_change_type", "_commit_version")
_FORMAT = "%Y-%m-%d %H:%M:%S"

Metadata = Mapping[str, Any] | None


@dataclass(frozen=True)
class _Grain:
    """Gold tables that one flow makes of one source, with its time and its partition column."""

    source: Table
    tables: tuple[GoldTable, ...]
    time: str
    date: str

    @cached_property
    def select(self) -> Transform:
        """Only the columns that the tables are made from."""
        return prepare_selection(find_columns(self.tables, self.source))

    @cached_property
    def partials(self) -> dict[str, Transform]:
        """Table name -> `aggregate_partials`."""
        return {table.name: prepare_partials(table) for table in self.tables}


_PAGES = _Grain(silver.EVENTS, (PAGES,), "event_time", "event_date")
_DETAILS = _Grain(silver.EVENTS, EVENT_DETAILS, "event_time", "event_date")
_SESSIONS = _Grain(silver.SESSIONS, SESSION_GRAIN, "session_start", "session_date")


def _read(runtime: Runtime, grain: _Grain) -> DataFrame:
    """The change feed, with the columns that the grain is made from.

    They are chosen here, where Parquet need not read the others: a micro-batch comes whole.
    """
    columns = dict.fromkeys((*find_columns(grain.tables, grain.source), grain.time, grain.date))
    return stream_changes(runtime, grain.source).select(*columns, *_CHANGE)


def _open_events(runtime: Runtime, grain: _Grain) -> WriteBatch:
    fold = open_folding(runtime.table, grain.tables)
    as_of: datetime | None = None

    def write(changes: DataFrame, batch: Batch) -> None:
        nonlocal as_of
        latest = latest_time(batch.files_read(silver.EVENTS), "event_time")
        as_of = max((time for time in (latest, as_of) if time), default=None)
        metadata = {"as_of": as_of.isoformat()} if as_of else None
        write_changes(changes, batch, grain, metadata)
        fold(batch, metadata)

    return write


def _open_sessions(runtime: Runtime) -> WriteBatch:
    fold = open_folding(runtime.table, _SESSIONS.tables)

    def write(changes: DataFrame, batch: Batch) -> None:
        metadata = _complete_until(batch)
        write_changes(changes, batch, _SESSIONS, metadata)
        fold(batch, metadata)

    return write


def write_changes(changes: DataFrame, batch: Batch, grain: _Grain, metadata: Metadata) -> None:
    """Write one micro-batch of the source's change feed to every table of the grain."""
    if rewriting_versions(batch.runtime.table(grain.source.name), *batch.span_read()):
        _write_rewritten(changes, batch, grain, metadata)
    else:
        with _keep_for(grain, changes) as rows:
            _append(rows, batch, grain, metadata)


@contextmanager
def _keep_for(grain: _Grain, rows: DataFrame) -> Iterator[DataFrame]:
    """Rows of the source that every table of the grain is made from, computed once."""
    if len(grain.tables) == 1:
        yield rows
    else:
        with keep_batch(grain.select(rows)) as kept:
            yield kept


def _append(rows: DataFrame, batch: Batch, grain: _Grain, metadata: Metadata) -> None:
    for table in grain.tables:
        batch.give_way()
        batch.append(table, grain.partials[table.name](rows), metadata)


def _write_rewritten(changes: DataFrame, batch: Batch, grain: _Grain, metadata: Metadata) -> None:
    """Write a micro-batch in which rows may have been changed or taken out."""
    with keep_batch(_with_bucket(changes, grain)) as changes:
        replaced = _find_replaced(changes)
        _append(changes.where(f"NOT ({replaced})") if replaced else changes, batch, grain, metadata)
        if replaced:
            version = changes.agg(F.max("_commit_version")).collect()[0][0]
            now = _with_bucket(read_table(batch.runtime, grain.source.name, version), grain)
            with _keep_for(grain, now.where(replaced)) as rows:
                for table in grain.tables:
                    batch.give_way()
                    partials = grain.partials[table.name](rows)
                    batch.replace(table, partials, replaced, metadata)


def _with_bucket(rows: DataFrame, grain: _Grain) -> DataFrame:
    """Add the columns that Gold tables place a row by: `bucket` (its hour) and `date`."""
    return rows.withColumns({"bucket": F.date_trunc("hour", grain.time), "date": F.col(grain.date)})


def _find_replaced(changes: DataFrame) -> str | None:
    """SQL over `date` and `bucket`: the hours in which rows are no longer what they were.

    As ranges, so that it means the same for buckets of an hour and of a minute.
    """
    gone = changes.where("_change_type <> 'insert'").select(F.unix_seconds("bucket")).distinct()
    hours = sorted(datetime.fromtimestamp(int(row[0]), UTC) for row in gone.collect())
    if not hours:
        return None
    dates = ", ".join(f"date'{day}'" for day in sorted({hour.date() for hour in hours}))
    if len(hours) > _MAX_HOURS:
        return f"date IN ({dates})"
    within = " OR ".join(
        f"(bucket >= timestamp'{hour:{_FORMAT}}' AND bucket < timestamp'{hour + _HOUR:{_FORMAT}}')"
        for hour in hours
    )
    return f"date IN ({dates}) AND ({within})"


def _complete_until(batch: Batch) -> dict[str, Any] | None:
    """What the commits that this batch reads say of how far sessions are closed."""
    start, end = batch.span_read()
    commits = read_commits(batch.runtime.table(silver.SESSIONS.name), start.version, end.version)
    times = [read_metadata(actions).get("complete_until") for actions in commits]
    known = [datetime.fromisoformat(time) for time in times if time]
    return {"complete_until": max(known).isoformat()} if known else None


GOLD_EVENTS = Flow(
    name="gold_events",
    targets=(PAGES.name,),
    read=lambda runtime: _read(runtime, _PAGES),
    open=lambda runtime: _open_events(runtime, _PAGES),
)
GOLD_DETAILS = Flow(
    name="gold_details",
    targets=tuple(table.name for table in EVENT_DETAILS),
    read=lambda runtime: _read(runtime, _DETAILS),
    open=lambda runtime: _open_events(runtime, _DETAILS),
)
GOLD_SESSIONS = Flow(
    name="gold_sessions",
    targets=tuple(table.name for table in SESSION_GRAIN),
    read=lambda runtime: _read(runtime, _SESSIONS),
    open=_open_sessions,
)
