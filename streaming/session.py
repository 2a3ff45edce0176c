"""The Spark session of the streaming app."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from settings.jvm import DRIVER_OPTIONS, LOCAL_LOG_STORE
from settings.model import Settings

# What the figures in DESIGN section 3 and docs/adr/0005 ask for; conf/ can override each.
_PROPERTIES = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": DRIVER_OPTIONS,
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
    # For the code of all flows. Spark keeps 100 classes, the flows have 300, and what falls out is
    # compiled anew with each batch, by Spark and by the JVM: half of a large batch (docs/adr/0014).
    "spark.sql.codegen.cache.maxEntries": "2000",
    # Sketches by group stay in a hash table for so many groups; sorting doubles their cost.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "10000",
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
    "spark.sql.streaming.minBatchesToRetain": "20",
    "spark.databricks.delta.snapshotPartitions": "1",
    # The flows compact (streaming/maintenance/compact.py). Delta's own way looks at the whole table
    # after each commit, which costs twice the commit; tables of earlier versions have it set.
    "spark.databricks.delta.autoCompact.enabled": "false",
    # For its own pages, which are off, Spark renders every plan; in full it is a tenth of a commit.
    "spark.sql.ui.explainMode": "simple",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.cleaner.periodicGC.interval": "10min",
}


# Columns in which hardly a value comes twice. Parquet would look each value up in a dictionary that
# it then throws away: a tenth of what Bronze and Silver cost (docs/performance.md).
_UNIQUE_COLUMNS = (
    "raw",
    "offset",
    "event_id",
    "event_timestamp",
    "sent_timestamp",
    "event_time",
    "client_time",
    "body_hash",
)
_PROPERTIES |= {
    f"spark.hadoop.parquet.enable.dictionary#{name}": "false" for name in _UNIQUE_COLUMNS
}

# Hadoop's own local file system starts a `chmod` for each file it makes, and one for its checksum:
# at 500 events/s a hundred processes a second (docs/adr/0012). This one does it by itself.
_LOCAL_FILES_JAR = "hadoop-bare-naked-local-fs"
_LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
    # What checkpoints and Delta's logs are written with otherwise goes past that setting.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing"
        ".FileSystemBasedCheckpointFileManager"
    ),
    "spark.delta.logStore.file.impl": LOCAL_LOG_STORE,
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
    properties = _PROPERTIES | {"spark.sql.shuffle.partitions": partitions}
    properties |= _choose_local_files(jars) | settings.spark.conf
    for name, value in properties.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def set_properties(session: SparkSession, properties: Mapping[str, str]) -> Iterator[None]:
    """Have these in a session that has none of them, until the block ends."""
    for name, value in properties.items():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name in properties:
            session.conf.unset(name)


def _choose_local_files(jars: list[Path]) -> dict[str, str]:
    """The settings for files on this machine, where the jar they need is among `jars`."""
    jar = next((jar for jar in jars if jar.name.startswith(_LOCAL_FILES_JAR)), None)
    return {"spark.driver.extraClassPath": str(jar)} | _LOCAL_FILES if jar else {}
