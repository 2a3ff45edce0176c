"""Bots by behaviour: verdicts over whole sessions, in whatever order their events come."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, GroupedData, Row, SparkSession
from pyspark.sql import functions as F

from schemas.bots import BEHAVIOUR_PREFIX, BotReason
from schemas.silver import EVENTS
from settings.load import CONF_DIR
from streaming.enrichment.behaviour import (
    BEHAVIOUR_COLUMNS,
    behaviour_aggregates,
    judge_behaviour,
)
from streaming.enrichment.bots import BehaviourThresholds, load_bot_rules
from tests.streaming.enrichment.behaviour_cases import EXPECTED, LAST, all_rows

THRESHOLDS = load_bot_rules(CONF_DIR / "rules" / "bots.yaml").behaviour
# Those that sessions have anyway (streaming/sessionization.py).
_SESSION = {
    "session_start": "min(event_time)",
    "session_end": "max(event_time)",
    "event_count": "count(1)",
    "page_views": "count_if(event_type = 'page_view')",
}
_TYPES = {column.name: column.type for column in EVENTS.columns}
_NAMES = ("visitor_id", "event_time", *BEHAVIOUR_COLUMNS)
_DDL = ", ".join(f"{name} {_TYPES[name]}" for name in _NAMES)


def make_frame(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([tuple(row[name] for name in _NAMES) for row in all_rows()], _DDL)


def aggregate(grouped: GroupedData) -> DataFrame:
    aggregates = _SESSION | behaviour_aggregates()
    return grouped.agg(*(F.expr(sql).alias(name) for name, sql in aggregates.items()))


def judge(sessions: DataFrame, thresholds: BehaviourThresholds = THRESHOLDS) -> dict[str, str]:
    reason = F.expr(judge_behaviour(thresholds)).alias("reason")
    return {row.visitor_id: row.reason for row in sessions.select("visitor_id", reason).collect()}


@pytest.fixture(scope="module")
def sessions(spark: SparkSession) -> list[Row]:
    return aggregate(make_frame(spark).groupBy("visitor_id")).orderBy("visitor_id").collect()


@pytest.fixture(scope="module")
def verdicts(spark: SparkSession) -> dict[str, str]:
    return judge(aggregate(make_frame(spark).groupBy("visitor_id")))


@pytest.mark.parametrize("name", EXPECTED)
def test_session_gets_the_verdict_it_deserves(name: str, verdicts: dict[str, str]) -> None:
    assert verdicts[name] == EXPECTED[name]


def test_every_behaviour_has_a_bot() -> None:
    reasons = {reason for reason in BotReason if reason.startswith(BEHAVIOUR_PREFIX)}
    assert reasons == {reason for reason in EXPECTED.values() if reason is not None}


def test_order_and_partitions_do_not_matter(spark: SparkSession, sessions: list[Row]) -> None:
    rows = [tuple(row[name] for name in _NAMES) for row in all_rows()]
    random.Random(4).shuffle(rows)
    frame = spark.createDataFrame(rows, _DDL).repartition(7)
    assert aggregate(frame.groupBy("visitor_id")).orderBy("visitor_id").collect() == sessions


def test_session_windows_merge_across_batches(
    spark: SparkSession, sessions: list[Row], tmp_path: Path
) -> None:
    """Each batch brings some of every session's events; the last one closes them all."""
    rows = [tuple(row[name] for name in _NAMES) for row in all_rows()]
    random.Random(5).shuffle(rows)
    nobody = tuple({"visitor_id": "nobody", "event_time": LAST}.get(name) for name in _NAMES)
    for number, part in enumerate((rows[::2], rows[1::2], [nobody])):
        frame = spark.createDataFrame(part, _DDL).coalesce(1)
        frame.write.mode("append").parquet(f"{tmp_path}/events/{number}")
    stream = (
        spark.readStream.schema(_DDL)
        .option("maxFilesPerTrigger", 1)
        .parquet(f"{tmp_path}/events/*")
        .withWatermark("event_time", "12 hours")
    )
    windows = stream.groupBy("visitor_id", F.session_window("event_time", "30 minutes"))
    query = (
        aggregate(windows)
        .drop("session_window")
        .writeStream.format("memory")
        .queryName("behaviour_windows")
        .option("checkpointLocation", f"{tmp_path}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    assert spark.table("behaviour_windows").orderBy("visitor_id").collect() == sessions


def test_thresholds_decide(spark: SparkSession) -> None:
    stricter = THRESHOLDS.model_copy(update={"min_single_type_think_time_s": 4.0})
    judged = judge(aggregate(make_frame(spark).groupBy("visitor_id")), stricter)
    changed = {name for name, reason in judged.items() if reason != EXPECTED[name]}
    assert changed == {"reads 200 pages at a server that knows no screens"}
