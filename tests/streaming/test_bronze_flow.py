"""The two ends that touch Kafka: the topic into Bronze, and dead letters out to their topic."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from pyspark.sql import SparkSession

from embedded.kafka import create_topics
from schemas.reject import RejectReason
from settings.model import KafkaSettings, Settings
from streaming.flows.bronze import BRONZE
from streaming.flows.silver import SILVER
from streaming.runtime import Runtime
from tests.streaming.lake import Lake
from tests.streaming.records import make_event

_TIMEOUT_S = 60
# A valid event by a clock so far ahead that Python has no day after it.
LAST_DAY = json.dumps(make_event("last", event_timestamp="9999-12-31T23:59:59Z")).encode()
FIRST_DAY = json.dumps(make_event("first", event_timestamp="0000-01-01T00:00:00Z")).encode()
VALID = json.dumps(make_event("now")).encode()
LARGE = b'{"event_id":"' + b"a" * 5_000_000 + b'"}'
FIRST_BATCH: list[bytes | None] = [None, LARGE, b"\xff\x00", VALID]
SECOND_BATCH: list[bytes | None] = [b"{}", VALID, LAST_DAY, FIRST_DAY]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def lake(
    spark: SparkSession,
    kafka_broker: str,
    empty_lake: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Lake:
    folder = tmp_path_factory.mktemp("kafka_lake") / "data"
    shutil.copytree(empty_lake, folder)
    kafka = KafkaSettings(
        bootstrap_servers=kafka_broker,
        topic="bronze_flow",
        dead_letter_topic="bronze_flow_dlq",
        partitions=1,
    )
    create_topics(kafka)
    return Lake(Runtime(spark, Settings(data_dir=str(folder), kafka=kafka)))


def _send(lake: Lake, values: list[bytes | None]) -> None:
    kafka = lake.runtime.settings.kafka
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "message.max.bytes": kafka.max_record_bytes,
        }
    )
    for value in values:
        # A producer's own idea of the time must not count.
        producer.produce(kafka.topic, value=value, timestamp=1)
    assert producer.flush(_TIMEOUT_S) == 0


def _receive(lake: Lake, count: int) -> Iterator[Any]:
    kafka = lake.runtime.settings.kafka
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "test",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([kafka.dead_letter_topic])
    try:
        messages = consumer.consume(count, timeout=_TIMEOUT_S)
        assert len(messages) == count
        yield from messages
    finally:
        consumer.close()


@pytest.fixture(scope="module")
def bronze(lake: Lake) -> Rows:
    """Two batches, the second of them done twice."""
    _send(lake, FIRST_BATCH)
    lake.run(BRONZE)
    _send(lake, SECOND_BATCH)
    lake.run_until_killed(BRONZE, "append", "bronze.events")
    lake.run(BRONZE)
    lake.forget_last_batch(BRONZE)
    lake.run(BRONZE)
    return sorted(lake.rows("bronze.events"), key=lambda row: int(row["offset"]))


def test_every_record_is_in_bronze_once_byte_by_byte(bronze: Rows) -> None:
    assert [row["offset"] for row in bronze] == list(range(8))
    values = [None if row["raw"] is None else bytes(row["raw"]) for row in bronze]
    # Within a batch the producer is free to reorder.
    assert Counter(values[: len(FIRST_BATCH)]) == Counter(FIRST_BATCH)
    assert Counter(values[len(FIRST_BATCH) :]) == Counter(SECOND_BATCH)


def test_the_arrival_is_the_brokers_and_not_the_producers(bronze: Rows) -> None:
    assert {row["kafka_timestamp_type"] for row in bronze} == {1}
    assert all(row["arrival_time"] == row["kafka_timestamp"] for row in bronze)
    assert all(row["arrival_time"].year > 2000 for row in bronze)


def test_a_batch_knows_the_latest_arrival_of_those_before(bronze: Rows) -> None:
    first, second = bronze[: len(FIRST_BATCH)], bronze[len(FIRST_BATCH) :]
    assert {row["stream_time"] for row in first} == {None}
    assert {row["stream_time"] for row in second} == {max(row["arrival_time"] for row in first)}


def test_dead_letters_reach_their_topic_as_they_came(lake: Lake, bronze: Rows) -> None:
    lake.run(SILVER)
    letters = {f"bronze_flow/0/{row['offset']}": row for row in lake.rows("bronze.dead_letters")}
    reasons = sorted(row["reason"] for row in letters.values())
    assert reasons == sorted(
        [
            RejectReason.TOMBSTONE,
            RejectReason.TOO_LARGE,
            RejectReason.NOT_UTF8,
            RejectReason.MISSING_FIELD,
        ]
    )
    for message in _receive(lake, len(letters)):
        letter = letters.pop(message.key().decode())
        assert message.value() == bronze[letter["offset"]]["raw"]
        assert dict(message.headers())["reason"].decode() == letter["reason"]
    assert letters == {}


@pytest.mark.usefixtures("bronze")
def test_events_by_impossible_clocks_enter_silver_and_their_copies_do_not(lake: Lake) -> None:
    _send(lake, [LAST_DAY, FIRST_DAY])
    lake.run(BRONZE, SILVER)
    assert sorted(row["event_id"] for row in lake.rows("silver.events")) == ["first", "last", "now"]
    copies = [row["event_id"] for row in lake.rows("silver.duplicates")]
    assert sorted(copies) == ["first", "last", "now"]
