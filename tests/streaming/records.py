"""Records as Kafka delivers them, and the rows Bronze makes of them: input of the tests here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from streaming.bronze import parse_records

# A time of day far from midnight, so that a test meets midnight only when it wants to.
NOON = datetime(2024, 5, 14, 12, tzinfo=UTC)
_LOG_APPEND_TIME = 1
_KAFKA_DDL = (
    "topic string, partition int, offset bigint, timestamp timestamp, timestampType int, "
    "value binary"
)


@dataclass(frozen=True)
class Record:
    """One Kafka record: its value, and when the broker took it in."""

    value: bytes | None
    arrival: datetime = NOON


def at(seconds: float, start: datetime = NOON) -> datetime:
    """A moment so many seconds after `start`."""
    return start + timedelta(seconds=seconds)


def make_event(event_id: str = "e1", time: datetime = NOON, **fields: Any) -> dict[str, Any]:
    """A valid page view; `fields` replace or add, and None leaves a field out."""
    event = {
        "event_id": event_id,
        "event_type": "page_view",
        "event_timestamp": time.isoformat(timespec="microseconds"),
        "anonymous_id": "v1",
        "page_url": "https://shop.example/",
        **fields,
    }
    return {name: value for name, value in event.items() if value is not None}


def make_record(event: dict[str, Any], arrival: datetime | None = None) -> Record:
    """The event on the wire; it arrives when it happened unless told otherwise."""
    if arrival is None:
        arrival = datetime.fromisoformat(event["event_timestamp"])
    return Record(json.dumps(event).encode(), arrival)


def read_records(
    spark: SparkSession,
    records: Iterable[Record],
    *,
    first_offset: int = 0,
    timestamp_type: int = _LOG_APPEND_TIME,
) -> DataFrame:
    """The records as Spark's Kafka source gives them, at consecutive offsets of partition 0."""
    rows = [
        ("t", 0, first_offset + number, record.arrival, timestamp_type, record.value)
        for number, record in enumerate(records)
    ]
    return spark.createDataFrame(rows, _KAFKA_DDL)


def read_bronze(
    spark: SparkSession,
    records: Iterable[Record],
    *,
    first_offset: int = 0,
    stream_time: datetime | None = None,
) -> DataFrame:
    """The records as rows of `bronze.events`."""
    parsed = parse_records(read_records(spark, records, first_offset=first_offset))
    return parsed.withColumn("stream_time", F.lit(stream_time).cast("timestamp"))
