"""Outcomes put in the place of what the tables say: staged first, then table by table.

Each step can be repeated: a crash in the middle is finished at the next start. The flow `silver`
waits meanwhile (`SILVER_LOCK`); every later table follows the change feed of `silver.events`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import bronze, silver
from schemas.table import Table
from settings.load import lake_root
from streaming.rejudge.journal import Pass, begin_pass, finish_pass, read_journal
from streaming.rejudge.outcomes import (
    Outcomes,
    judge_records,
    part_records,
    settle_clashes,
)
from streaming.rejudge.records import Days
from streaming.runtime import Runtime
from streaming.silver import KEY
from streaming.sinks import merge_rows, write_once
from streaming.sources import keep_cached, read_table
from streaming.table_locks import SILVER_LOCK

log = structlog.get_logger(__name__)

_PARTS = ("events", "dead_letters", "duplicates")


def stage_outcomes(runtime: Runtime, one: Pass, records: DataFrame, among: str) -> Outcomes:
    """Judge the records and keep the outcomes beside the tables; returns them as kept.

    records: see `judge_records`. New events that do not meet `among` stay what they are.
    """
    judged_uri = _staged_uri(runtime, one, "judged")
    judge_records(records, runtime.settings).write.mode("overwrite").parquet(judged_uri)
    judged = runtime.spark.read.parquet(judged_uri)
    outcomes = part_records(judged, runtime.settings, runtime.rules.current).keep_new(among)
    for part in _PARTS:
        frame: DataFrame = getattr(outcomes, part)
        frame.write.mode("overwrite").parquet(_staged_uri(runtime, one, part))
    return read_staged(runtime, one)


def read_staged(runtime: Runtime, one: Pass) -> Outcomes:
    """The outcomes that `stage_outcomes` kept."""
    return Outcomes(
        **{part: runtime.spark.read.parquet(_staged_uri(runtime, one, part)) for part in _PARTS}
    )


def discard_staged(runtime: Runtime, one: Pass) -> None:
    """Delete what was staged."""
    context = runtime.spark.sparkContext
    jvm = context._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(_staged_root(runtime, one))
    path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)


def put_in_place(runtime: Runtime, one: Pass) -> None:
    """Make every table say what the staged outcomes say. May be repeated."""
    with SILVER_LOCK:
        # First, so that the flows know of the pass, and since when, before they see its rows.
        one = replace(one, at=datetime.now(UTC).isoformat())
        begin_pass(runtime.settings, one)
        staged = read_staged(runtime, one)
        events = read_table(runtime, silver.EVENTS.name)
        with keep_cached() as cached:
            settled = settle_clashes(staged, events)
            # Kept, for its own rows in the table would make it look different afterwards.
            new = replace(
                settled, events=cached(settled.events), duplicates=cached(settled.duplicates)
            )
            new.duplicates.count()
            if one.days is not None:
                _replace_days(runtime, one, new, events)
            _append_new(runtime, one, new.events)
            accepted = new.events.select(*KEY, "arrival_time")
            _replace(runtime, bronze.DEAD_LETTERS, new.dead_letters, accepted, new.duplicates)
            # Those that are in it keep how they were recognised.
            known = read_table(runtime, silver.DUPLICATES.name).select(*KEY)
            copies = new.duplicates.join(known, [*KEY], how="left_anti")
            _replace(runtime, silver.DUPLICATES, copies, accepted, new.dead_letters)
        finish_pass(runtime.settings, one)
    discard_staged(runtime, one)
    log.info("put in place", rejudge=one.id)


def finish_pending(runtime: Runtime) -> None:
    """Put in place what a crash had interrupted; called before the flows start."""
    pending = read_journal(runtime.settings).pending
    if pending is not None:
        log.warning("a pass was cut off; it is finished now", rejudge=pending.id)
        put_in_place(runtime, pending)


def _replace_days(runtime: Runtime, one: Pass, outcomes: Outcomes, events: DataFrame) -> None:
    """The days' rows, in one commit; rows that came in since the judging stay as they are."""
    assert one.first_day is not None
    assert one.last_day is not None
    within = Days(one.first_day, one.last_day).within("event_date")
    parts = (outcomes.events, outcomes.dead_letters, outcomes.duplicates)
    judged = reduce(DataFrame.union, [part.select(*KEY) for part in parts])
    names = silver.EVENTS.column_names
    since = events.where(within).join(judged, [*KEY], how="left_anti").select(*names)
    rows = outcomes.events.where("NOT is_new").select(*names).unionByName(since)
    options = {"replaceWhere": within, **_metadata(one)}
    write_once(runtime, silver.EVENTS, rows, (f"rejudge:{one.id}", 0), "overwrite", options)


def _append_new(runtime: Runtime, one: Pass, staged: DataFrame) -> None:
    """Events that were not there before; no watermark downstream is beyond this moment."""
    latest = F.greatest("stream_time", F.lit(datetime.now(UTC)))
    rows = staged.where("is_new").withColumn("stream_time", latest)
    if rows.isEmpty():
        return
    rows = rows.select(*silver.EVENTS.column_names)
    write_once(runtime, silver.EVENTS, rows, (f"rejudge:{one.id}", 1), "append", _metadata(one))


def _replace(runtime: Runtime, table: Table, rows: DataFrame, *elsewhere: DataFrame) -> None:
    """The table has `rows`, and none of the records that are `elsewhere` now."""
    names = table.column_names
    gone = [
        frame.select(*KEY, "arrival_time").withColumn("arrival_date", F.to_date("arrival_time"))
        for frame in elsewhere
    ]
    changes = rows.select(*names).withColumn("is_gone", F.lit(False))
    for frame in gone:
        changes = changes.unionByName(
            frame.withColumn("is_gone", F.lit(True)), allowMissingColumns=True
        )
    days = [row[0] for row in changes.select("arrival_date").distinct().collect()]
    if not days:
        return
    on = " AND ".join(f"target.{name} = source.{name}" for name in (*KEY, "arrival_date"))
    dates = ", ".join(f"date'{day}'" for day in sorted(days))
    merge_rows(runtime, table, changes, f"target.arrival_date IN ({dates}) AND {on}")


def _metadata(one: Pass) -> dict[str, str]:
    return {"userMetadata": f'{{"rejudge": "{one.id}"}}'}


def _staged_root(runtime: Runtime, one: Pass) -> str:
    return f"{lake_root(runtime.settings)}/ops/rejudge/{one.id}"


def _staged_uri(runtime: Runtime, one: Pass, part: str) -> str:
    return f"{_staged_root(runtime, one)}/{part}"
