"""The bound to compare with: the same events through "Kafka -> parse -> nothing".

Spark reads the topic, parses each record with the product's own schema and throws the result away:
no deduplication, no state, no table. What the whole chain reaches of it is the ratio in the report.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.numbers import median
from embedded.jars import spark_jars
from embedded.java import java_home
from schemas.event import JSON_OPTIONS, JSON_SCHEMA

_RUNS = 3


def measure_reference(
    bootstrap_servers: str, warmup_topic: str, topic: str, log: Path
) -> dict[str, Any]:
    """Events per second of the bound, warm: the median of three passes over `topic`."""
    jars = [str(jar) for jar in spark_jars()]
    # A process of its own: its JVM is gone, and with it the memory, when the chain is measured.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        work = pool.submit(_read_topics, bootstrap_servers, warmup_topic, topic, jars, log)
        return work.result()


def _read_topics(
    bootstrap_servers: str, warmup_topic: str, topic: str, jars: list[str], log: Path
) -> dict[str, Any]:
    with log.open("wb") as output:  # Spark's chatter, which would run across the progress bars
        os.dup2(output.fileno(), 2)
    spark = _make_session(jars)
    try:
        _drain(_read_topic(spark, bootstrap_servers, warmup_topic))
        records = _read_topic(spark, bootstrap_servers, topic)
        runs = [_drain(records) for _ in range(_RUNS)]
        events = records.count()
    finally:
        spark.stop()
    return {
        "events": events,
        "seconds": [round(run, 2) for run in runs],
        "events_per_s": round(events / median(runs)),
    }


def _make_session(jars: list[str]) -> SparkSession:
    os.environ["JAVA_HOME"] = str(java_home())
    return (
        SparkSession.builder.master("local[*]")
        .appName("bench-reference")
        .config("spark.jars", ",".join(jars))
        .config("spark.driver.memory", "2g")
        .config("spark.ui.enabled", False)
        .getOrCreate()
    )


def _read_topic(spark: SparkSession, bootstrap_servers: str, topic: str) -> DataFrame:
    return (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap_servers)
        .option("subscribe", topic)
        .load()
    )


def _drain(records: DataFrame) -> float:
    """Parse every record and throw it away; the seconds it took."""
    started = time.monotonic()
    parsed = F.from_json(F.col("value").cast("string"), JSON_SCHEMA, JSON_OPTIONS)
    events = records.select(parsed.alias("event")).select("event.*")
    events.write.format("noop").mode("overwrite").save()
    return time.monotonic() - started
