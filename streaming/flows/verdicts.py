"""Flow `verdicts`: what a session's behaviour shows, back onto its events.

A session is judged by its behaviour when it is closed, and again when late events change it. Its
events in `silver.events` get the verdict, or lose one that no longer holds; Gold follows their
change feed. Sessions do not: they are judged by what people do, never by an earlier verdict.
"""

from __future__ import annotations

from datetime import date

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas import silver
from schemas.bots import BEHAVIOUR_PREFIX
from streaming.delta_log import CARRIED_BACK
from streaming.flow import Flow, WriteBatch
from streaming.flows.session_repair import within_a_day
from streaming.runtime import Runtime
from streaming.silver import KEY
from streaming.sinks import Batch
from streaming.sources import keep_batch, keep_cached, read_table, stream_changes
from streaming.table_locks import SILVER_LOCK

log = structlog.get_logger(__name__)

_VISITOR = ("site_id", "visitor_id")
_IS_BEHAVIOUR = f"bot_reason LIKE '{BEHAVIOUR_PREFIX}%'"


def _read(runtime: Runtime) -> DataFrame:
    changes = stream_changes(runtime, silver.SESSIONS)
    return changes.select(*_VISITOR, "session_date", "session_end", "bot_reason")


def _open(_: Runtime) -> WriteBatch:
    return write_batch


def write_batch(changes: DataFrame, batch: Batch) -> None:
    """Carry verdicts back for every visitor of whom a changed session has one, or had."""
    judged = changes.where(f"{_IS_BEHAVIOUR}").select(
        *_VISITOR, F.explode(F.expr("sequence(session_date, to_date(session_end))")).alias("day")
    )
    with keep_batch(judged.distinct()) as judged:
        days = [row.day for row in judged.select("day").distinct().collect()]
        if not days:
            return
        # Whoever had a verdict may have lost it: so all of their sessions near these days count.
        with SILVER_LOCK, keep_cached() as cached:
            changed = cached(find_changed(judged, days, batch.runtime))
            count = changed.count()
            log.info("verdicts carried back", flow=batch.flow, batch=batch.batch_id, events=count)
            if count:
                dates = within_a_day("target.event_date", days)
                same = " AND ".join(f"target.{name} = source.{name}" for name in (*KEY, "is_late"))
                batch.merge(
                    silver.EVENTS,
                    changed.withColumn("is_gone", F.lit(False)),
                    f"{dates} AND target.event_date = source.event_date AND {same}",
                    {CARRIED_BACK: True},
                )


def find_changed(judged: DataFrame, days: list[date], runtime: Runtime) -> DataFrame:
    """Events of these visitors whose verdict is not that of their session, with the right one.

    judged: site_id, visitor_id, day. Returns the columns of `silver.events`.
    """
    visitors = judged.select(*_VISITOR).distinct()
    sessions = (
        read_table(runtime, silver.SESSIONS.name)
        .where(within_a_day("session_date", days))
        .join(visitors, [*_VISITOR], how="left_semi")
        .select(
            *_VISITOR,
            "session_start",
            "session_end",
            F.expr(f"CASE WHEN {_IS_BEHAVIOUR} THEN bot_reason END").alias("_verdict"),
        )
    )
    events = (
        read_table(runtime, silver.EVENTS.name)
        .where(within_a_day("event_date", days))
        .join(visitors, [*_VISITOR], how="left_semi")
        # What the agent or the address shows stands, whatever the behaviour.
        .where(f"bot_reason IS NULL OR {_IS_BEHAVIOUR}")
    )
    within = F.col("event_time").between(F.col("session_start"), F.col("session_end"))
    same = [F.col(f"events.{name}") == F.col(f"sessions.{name}") for name in _VISITOR]
    met = events.alias("events").join(
        sessions.alias("sessions"), same[0] & same[1] & within, how="inner"
    )
    columns = {"bot_reason": F.col("_verdict"), "is_bot": F.col("_verdict").isNotNull()}
    return met.where("NOT bot_reason <=> _verdict").select(
        *(
            columns[name].alias(name) if name in columns else F.col(f"events.{name}")
            for name in silver.EVENTS.column_names
        )
    )


VERDICTS = Flow(name="verdicts", targets=(), read=_read, open=_open)
