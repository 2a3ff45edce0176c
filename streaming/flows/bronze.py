"""Flow `bronze`: the Kafka topic into `bronze.events`."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.bronze import EVENTS
from streaming.bronze import parse_records, vary_by_batch
from streaming.delta_log import Position, files_added, latest_time, latest_version
from streaming.flow import Flow, WriteBatch
from streaming.prepared import prepare_selection
from streaming.runtime import Runtime
from streaming.sinks import Batch
from streaming.sources import read_kafka, read_table


def _read(runtime: Runtime) -> DataFrame:
    return parse_records(read_kafka(runtime))


def _open(runtime: Runtime) -> WriteBatch:
    table = runtime.table(EVENTS.name)
    version = latest_version(table)
    stream_time = _latest_arrival(runtime)
    select = prepare_selection(EVENTS.column_names)

    def write(records: DataFrame, batch: Batch) -> None:
        nonlocal version, stream_time
        until_now = vary_by_batch(F.lit(stream_time).cast("timestamp"))
        batch.append(EVENTS, select(records.withColumn("stream_time", until_now)))
        start, version = version, latest_version(table)
        files = files_added(table, Position(start + 1, -1), Position(version + 1, -1))
        arrivals = (latest_time(files, "arrival_time"), stream_time)
        stream_time = max((time for time in arrivals if time), default=None)

    return write


def _latest_arrival(runtime: Runtime) -> datetime | None:
    """The latest arrival_time in the table; arrival days only grow, so the last one has it."""
    events = read_table(runtime, EVENTS.name)
    last_day = events.agg(F.max("arrival_date")).collect()[0][0]
    if last_day is None:
        return None
    # As a number: collecting a timestamp would bring in this machine's time zone.
    latest = F.unix_micros(F.max("arrival_time"))
    micros = events.where(F.col("arrival_date") == F.lit(last_day)).agg(latest).collect()[0][0]
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


BRONZE = Flow(name="bronze", targets=(EVENTS.name,), read=_read, open=_open)
