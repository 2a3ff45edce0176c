"""Everything that is read: the Kafka topic, Delta tables as streams, and tables as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from pyspark.sql import DataFrame

from schemas.table import Table
from settings.model import KafkaSettings
from streaming.delta_log import AddedFile
from streaming.runtime import Runtime

# A batch takes all that is there: a commit of the table before is never split between batches,
# which the bound on watermarks builds on (docs/adr/0002).
_ALL_FILES = 1_000_000_000


def read_kafka(runtime: Runtime) -> DataFrame:
    """The events topic as a stream, from its beginning; columns of Spark's Kafka source."""
    kafka = runtime.settings.kafka
    options = kafka_options(kafka) | {
        "subscribe": kafka.topic,
        "startingOffsets": "earliest",
        "failOnDataLoss": "true",
        "kafka.max.partition.fetch.bytes": str(kafka.max_record_bytes),
    }
    if kafka.max_offsets_per_trigger is not None:
        options["maxOffsetsPerTrigger"] = str(kafka.max_offsets_per_trigger)
    return runtime.spark.readStream.format("kafka").options(**options).load()


def kafka_options(kafka: KafkaSettings) -> dict[str, str]:
    """Connection options for Spark's Kafka source and sink."""
    return {
        "kafka.bootstrap.servers": kafka.bootstrap_servers,
        **{f"kafka.{name}": value for name, value in kafka.options.items()},
    }


def stream_table(runtime: Runtime, table: Table) -> DataFrame:
    """A Delta table's appended rows as a stream, from its beginning."""
    return (
        runtime.spark.readStream.format("delta")
        .option("maxFilesPerTrigger", _ALL_FILES)
        .option("skipChangeCommits", "true")
        .load(runtime.table(table.name))
    )


def stream_changes(runtime: Runtime, table: Table) -> DataFrame:
    """A Delta table's change feed as a stream: its columns, _change_type and _commit_version."""
    return (
        runtime.spark.readStream.format("delta")
        .option("readChangeFeed", "true")
        .option("startingVersion", 0)
        .option("maxFilesPerTrigger", _ALL_FILES)
        .load(runtime.table(table.name))
    )


def read_table(runtime: Runtime, name: str, version: int | None = None) -> DataFrame:
    """A Delta table as it is now, or as it was at a version."""
    reader = runtime.spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    return reader.load(runtime.table(name))


def read_changes(runtime: Runtime, table: Table, version: int) -> DataFrame:
    """What one version changed: the table's columns, _change_type and _commit_version."""
    reader = runtime.spark.read.format("delta").option("readChangeFeed", "true")
    reader = reader.option("startingVersion", version).option("endingVersion", version)
    return reader.load(runtime.table(table.name))


def read_files(runtime: Runtime, table: Table, files: list[AddedFile]) -> DataFrame:
    """The rows of some data files of a table, with all its columns."""
    root = runtime.table(table.name)
    reader = runtime.spark.read.schema(table.ddl).option("basePath", root)
    return reader.parquet(*(f"{root}/{unquote(file.path)}" for file in files))


@contextmanager
def keep_batch(rows: DataFrame) -> Iterator[DataFrame]:
    """Compute a micro-batch once and keep its rows until the block ends.

    A second action on the batch itself would run its state a second time.
    """
    kept = rows.localCheckpoint(eager=True)
    try:
        yield kept
    finally:
        kept._jdf.queryExecution().analyzed().rdd().unpersist(False)


def forget_plan(rows: DataFrame) -> DataFrame:
    """The same rows without what Spark believes of them.

    Into foreachBatch Spark takes along constraints and an order derived from the batch's input.
    For rows that come out of state they are wrong: in a batch of heartbeats only, whose visitor is
    null, it holds every closed session's visitor for null, and filters a join by that.
    """
    session = rows.sparkSession
    plain = session._jsparkSession.createDataFrame(rows._jdf.javaRDD(), rows._jdf.schema())
    return DataFrame(plain, session)


@contextmanager
def keep_cached() -> Iterator[Callable[[DataFrame], DataFrame]]:
    """Yield a function that caches DataFrames made of kept rows or tables; until the block ends."""
    frames: list[DataFrame] = []

    def cache(frame: DataFrame) -> DataFrame:
        frames.append(frame.persist())
        return frames[-1]

    try:
        yield cache
    finally:
        for frame in frames:
            frame.unpersist()
