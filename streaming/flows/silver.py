"""Flow `silver`: `bronze.events` into `silver.events`, dead letters and duplicates.

One query writes all three, so they always cover the same records, and on-time and late events
enter `silver.events` in one commit.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from schemas import bronze, silver
from schemas.reject import DuplicateTier
from streaming.flow import Flow, WriteBatch
from streaming.runtime import Runtime
from streaming.silver import KEY, deduplicate, judge_events
from streaming.sinks import Batch
from streaming.sources import keep_cached, read_table, stream_table

_ACCEPTED = "NOT is_tally AND size(reasons) = 0"
_REJECTED = "NOT is_tally AND size(reasons) > 0"
# Beyond so many separate days one range over all of them prunes files just as well.
_MAX_DAY_RANGES = 40


def _read(runtime: Runtime) -> DataFrame:
    events = stream_table(runtime, bronze.EVENTS)
    return deduplicate(judge_events(events, runtime.settings), runtime.settings)


def _open(_: Runtime) -> WriteBatch:
    return write_batch


def write_batch(rows: DataFrame, batch: Batch) -> None:
    """Write one micro-batch; rows: see `streaming.silver.deduplicate`."""
    with keep_cached() as cached:
        rows = cached(rows)
        counts = _count(rows)
        accepted = rows.where(_ACCEPTED)
        if counts.history:
            accepted = cached(mark_known(accepted, batch.runtime))
        else:
            accepted = accepted.withColumn("is_known", F.lit(False))
        if counts.accepted:
            fresh = accepted.where("NOT is_known").select("event.*")
            batch.append(silver.EVENTS, fresh.select(*silver.EVENTS.column_names))
        if counts.rejected:
            _reject(rows.where(_REJECTED), batch)
        if counts.history or counts.tally > counts.accepted:
            _record_duplicates(rows.where("is_tally"), accepted, batch)


def _count(rows: DataFrame) -> Row:
    return rows.agg(
        F.expr(f"count_if({_ACCEPTED})").alias("accepted"),
        F.expr(f"count_if({_REJECTED})").alias("rejected"),
        F.expr("count_if(is_tally)").alias("tally"),
        F.expr(f"count_if({_ACCEPTED} AND needs_history)").alias("history"),
    ).collect()[0]


def mark_known(accepted: DataFrame, runtime: Runtime) -> DataFrame:
    """Add is_known: `silver.events` has this event from an earlier record.

    Compared are the events whose client time is within a day of the copy's: a copy is the same
    record sent again, whatever its arrival makes of its event time. A row that this very batch
    wrote before a restart is told from a copy by its Kafka coordinates.
    """
    asking = accepted.where("needs_history")
    days = asking.select(F.expr("to_date(event.client_time)").alias("day")).distinct().collect()
    known = (
        read_table(runtime, silver.EVENTS.name)
        .where(_within(sorted(row.day for row in days)))
        .select("site_id", "event_id", *(F.col(name).alias(f"_known_{name}") for name in KEY))
    )
    is_other_record = " OR ".join(f"{name} <> _known_{name}" for name in KEY)
    copies = (
        asking.select("site_id", "event_id", *KEY)
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
    letters = rows.select(
        *KEY,
        "raw",
        "arrival_time",
        F.to_date("arrival_time").alias("arrival_date"),
        "site_id",
        F.expr("reasons[0]").alias("reason"),
        "reasons",
        "detail",
        F.lit(silver.RULES_VERSION).alias("rules_version"),
    )
    batch.append(bronze.DEAD_LETTERS, letters.select(*bronze.DEAD_LETTERS.column_names))
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


def _record_duplicates(tally: DataFrame, accepted: DataFrame, batch: Batch) -> None:
    """Each record that went in and did not come out, with how it was recognised."""
    passed = accepted.select(*KEY, "is_known")
    duplicates = (
        tally.join(passed, list(KEY), how="left")
        .where("coalesce(is_known, true)")
        .select(
            *KEY,
            "site_id",
            "event_id",
            "arrival_time",
            F.to_date("arrival_time").alias("arrival_date"),
            F.expr(
                f"CASE WHEN is_known IS NULL THEN '{DuplicateTier.STATE}' "
                f"ELSE '{DuplicateTier.HISTORY}' END"
            ).alias("tier"),
        )
    )
    batch.append(silver.DUPLICATES, duplicates.select(*silver.DUPLICATES.column_names))


SILVER = Flow(
    name="silver",
    targets=(silver.EVENTS.name, bronze.DEAD_LETTERS.name, silver.DUPLICATES.name),
    read=_read,
    open=_open,
)
