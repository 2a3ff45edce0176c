"""The Spark session of the streaming app."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from settings.model import Settings

# What the figures in DESIGN section 3 and docs/adr/0005 ask for; conf/ can override each.
_PROPERTIES = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.scheduler.mode": "FAIR",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    # What Spark infers from a plan of hundreds of expressions takes longer than a small batch, and
    # foreachBatch asks for it each time (docs/adr/0005).
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",  # until streaming.pacing says otherwise
    # Sketches by group stay in a hash table for so many groups; sorting doubles their cost.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "10000",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    "spark.sql.streaming.minBatchesToRetain": "20",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Compaction reads all files below half this size again: larger, and each event would be
    # written many times before its file is left alone.
    "spark.databricks.delta.autoCompact.maxFileSize": "33554432",
    "spark.databricks.delta.autoCompact.minNumFiles": "100",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.cleaner.periodicGC.interval": "10min",
}


def build_session(settings: Settings, jars: list[Path]) -> SparkSession:
    """Start Spark, or take the session that spark-submit prepared.

    jars: Delta and Kafka jars to add; none where the cluster or `--packages` brings them.
    """
    builder = SparkSession.builder.appName("web-analytics")
    if settings.spark.master is not None:
        # The workers of the Arrow functions need this Python's packages.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = builder.master(settings.spark.master)
        builder = builder.config("spark.driver.memory", settings.spark.driver_memory)
    if jars:
        builder = builder.config("spark.jars", ",".join(str(jar) for jar in jars))
    partitions = str(settings.stream.shuffle_partitions)
    properties = _PROPERTIES | {"spark.sql.shuffle.partitions": partitions} | settings.spark.conf
    for name, value in properties.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
