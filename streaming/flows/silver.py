"""Flow `silver`: `bronze.events` into `silver.events`, dead letters and duplicates.

One query writes all three, so they always cover the same records, and on-time and late events
enter `silver.events` in one commit.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from schemas import bronze, silver
from schemas.event import DEFAULT_SITE
from schemas.reject import DuplicateTier
from streaming.clock import dedup_delay_s
from streaming.enrich import Enricher
from streaming.flow import Flow, WriteBatch
from streaming.metrics import METRICS
from streaming.reject_limit import RejectLimit
from streaming.rejudge.journal import read_journal
from streaming.runtime import Runtime
from streaming.silver import (
    ACCEPTED,
    KEY,
    REJECTED,
    deduplicate,
    describe_letters,
    hash_body,
    judge_events,
)
from streaming.sinks import Batch
from streaming.sources import keep_batch, keep_cached, read_files, read_table, stream_table
from streaming.table_locks import SILVER_LOCK

# Beyond so many separate days one range over all of them prunes files just as well.
_MAX_DAY_RANGES = 40


def _read(runtime: Runtime) -> DataFrame:
    events = stream_table(runtime, bronze.EVENTS)
    return deduplicate(judge_events(events, runtime.settings), runtime.settings)


def _open(runtime: Runtime) -> WriteBatch:
    limit, enricher = RejectLimit(runtime.settings.stream), Enricher(runtime.settings)
    return lambda rows, batch: write_batch(rows, batch, limit, enricher)


def write_batch(rows: DataFrame, batch: Batch, limit: RejectLimit, enricher: Enricher) -> None:
    """Write one micro-batch; rows: see `streaming.silver.deduplicate`."""
    files = batch.files_read(bronze.EVENTS)
    with SILVER_LOCK, keep_batch(rows) as rows, keep_cached() as cached:
        rows = _ask_history_after_rejudging(rows, batch)
        counts = _count(rows)
        rejected = rows.where(REJECTED)
        reasons = _count_reasons(rejected) if counts.rejected else {}
        limit.check(counts.accepted, counts.rejected, reasons)
        accepted = rows.where(ACCEPTED)
        if counts.history_days:
            known = mark_known(accepted, counts.history_days, batch.runtime)
            accepted = cached(known)
        else:
            accepted = accepted.withColumn("is_known", F.lit(False))
        if counts.accepted:
            fresh = accepted.where("NOT is_known").select("event.*")
            batch.append(silver.EVENTS, enricher.enrich(fresh, batch.runtime.rules.current))
            METRICS.count_events(counts.accepted)
        if counts.rejected:
            _reject(rejected, batch)
            METRICS.count_rejects(reasons)
        went_in = sum(file.rows for file in files)
        if counts.history_days or went_in > counts.accepted + counts.rejected:
            passed = accepted.select(*KEY, "is_known").unionByName(
                rejected.select(*KEY, F.lit(False).alias("is_known"))
            )
            _record_duplicates(read_files(batch.runtime, bronze.EVENTS, files), passed, batch)


def _ask_history_after_rejudging(rows: DataFrame, batch: Batch) -> DataFrame:
    """What was judged again went into Silver without the deduplication state seeing it.

    So every row that can be a copy of such an event is looked up: see docs/adr/0006.
    """
    settings = batch.runtime.settings
    latest = read_journal(settings).latest
    if latest is None:
        return rows
    until = latest + timedelta(seconds=dedup_delay_s(settings.session))
    may_be_copy = (F.expr(ACCEPTED)) & (F.col("arrival_time") <= F.lit(until))
    return rows.withColumn("needs_history", F.col("needs_history") | may_be_copy)


def _count(rows: DataFrame) -> Row:
    """accepted, rejected, and the client's days of the events to look up in the history."""
    return rows.agg(
        F.expr(f"count_if({ACCEPTED})").alias("accepted"),
        F.expr(f"count_if({REJECTED})").alias("rejected"),
        F.expr("collect_set(to_date(event.client_time)) FILTER (WHERE needs_history)").alias(
            "history_days"
        ),
    ).collect()[0]


def _count_reasons(rejected: DataFrame) -> dict[tuple[str, str], int]:
    """Rejects by site and first reason."""
    by = (F.expr("coalesce(site_id, '')").alias("site"), F.expr("reasons[0]").alias("reason"))
    counted = rejected.groupBy(*by).count().collect()
    return {(row["site"], row["reason"]): row["count"] for row in counted}


def mark_known(accepted: DataFrame, days: list[date], runtime: Runtime) -> DataFrame:
    """Add is_known: `silver.events` has this event from an earlier record.

    Compared are the events whose client time is within a day of `days`, the copies' own: a copy is
    the same record sent again, whatever its arrival makes of its event time. A row that this very
    batch wrote before a restart is told from a copy by its Kafka coordinates.
    """
    known = (
        read_table(runtime, silver.EVENTS.name)
        .where(_within(sorted(days)))
        .select("site_id", "event_id", *(F.col(name).alias(f"_known_{name}") for name in KEY))
    )
    is_other_record = " OR ".join(f"{name} <> _known_{name}" for name in KEY)
    copies = (
        accepted.where("needs_history")
        .select("site_id", "event_id", *KEY)
        .join(known, ["site_id", "event_id"], how="inner")
        .where(is_other_record)
        .select(*KEY, F.lit(True).alias("_is_copy"))
        .distinct()
    )
    marked = accepted.join(copies, list(KEY), how="left")
    return marked.withColumn("is_known", F.expr("coalesce(_is_copy, false)")).drop("_is_copy")


def _within(days: list[date]) -> str:
    """SQL: client_time is at most a day from one of the days; neighbouring days share a range."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        first, last = day - timedelta(days=1), day + timedelta(days=1)
        if ranges and first <= ranges[-1][1] + timedelta(days=1):
            ranges[-1] = (ranges[-1][0], last)
        else:
            ranges.append((first, last))
    if len(ranges) > _MAX_DAY_RANGES:
        ranges = [(ranges[0][0], ranges[-1][1])]
    return " OR ".join(
        f"(client_time >= timestamp'{first}' AND client_time < timestamp'{last}' + interval 1 day)"
        for first, last in ranges
    )


def _reject(rows: DataFrame, batch: Batch) -> None:
    """Dead letters: exactly once in the table, at least once on the topic."""
    letters = describe_letters(rows, batch.runtime.rules.current.version)
    batch.append(bronze.DEAD_LETTERS, letters)
    # The same bytes again, and what is known of them as headers.
    header_names = (*KEY, "reason", "detail", "rules_version")
    headers = ", ".join(
        f"struct('{name}' AS key, CAST(string({name}) AS binary) AS value)" for name in header_names
    )
    messages = letters.select(
        F.expr("concat(topic, '/', partition, '/', offset)").alias("key"),
        F.col("raw").alias("value"),
        F.expr(f"array({headers})").alias("headers"),
    )
    batch.publish(messages, batch.runtime.settings.kafka.dead_letter_topic)


def _record_duplicates(records: DataFrame, passed: DataFrame, batch: Batch) -> None:
    """Each record that went in and did not come out, with how it was recognised."""
    duplicates = (
        records.join(passed, list(KEY), how="left")
        .where("coalesce(is_known, true)")
        .select(
            *KEY,
            F.expr(f"coalesce(nullif(site_id, ''), '{DEFAULT_SITE}')").alias("site_id"),
            "event_id",
            "arrival_time",
            F.to_date("arrival_time").alias("arrival_date"),
            F.expr(
                f"CASE WHEN is_known IS NULL THEN '{DuplicateTier.STATE}' "
                f"ELSE '{DuplicateTier.HISTORY}' END"
            ).alias("tier"),
            hash_body().alias("body_hash"),
        )
    )
    with keep_cached() as cached:
        duplicates = cached(duplicates.select(*silver.DUPLICATES.column_names))
        batch.append(silver.DUPLICATES, duplicates)
        counted = duplicates.groupBy("site_id").count().collect()
    METRICS.count_duplicates({row["site_id"]: row["count"] for row in counted})


SILVER = Flow(
    name="silver",
    targets=(silver.EVENTS.name, bronze.DEAD_LETTERS.name, silver.DUPLICATES.name),
    read=_read,
    open=_open,
)
