"""How far the app has come: what Kafka has, and what each flow has not read yet.

Needs no Spark on a local lake, so `web-analytics status` and the heartbeat share it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas import bronze, silver
from settings.model import Settings
from streaming.checkpoints import delta_position, latest_batch, read_offsets
from streaming.delta_log import count_unread
from streaming.runtime import checkpoint_uri, table_uri

_KAFKA_TIMEOUT_S = 10

# Flow -> the Delta table it reads; `bronze` reads Kafka.
SOURCES = {
    "silver": bronze.EVENTS.name,
    "sessions": silver.EVENTS.name,
    "gold_events": silver.EVENTS.name,
    "gold_sessions": silver.SESSIONS.name,
}


def count_kafka(settings: Settings) -> dict[int, int]:
    """End offset of each partition of the events topic. Raises KafkaException."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": "web-analytics-progress",
            **settings.kafka.options,
        }
    )
    try:
        topic = settings.kafka.topic
        metadata = consumer.list_topics(topic, timeout=_KAFKA_TIMEOUT_S).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return {
            partition: consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=_KAFKA_TIMEOUT_S
            )[1]
            for partition in metadata.partitions
        }
    finally:
        consumer.close()


def count_behind(settings: Settings) -> dict[str, int]:
    """Rows or records that each flow has still to read, by flow name."""
    behind = {"bronze": _kafka_behind(settings)}
    for flow, table in SOURCES.items():
        offsets = _committed(settings, flow)
        position = delta_position(offsets[0] if offsets else None)
        behind[flow] = count_unread(table_uri(settings, table), position)
    return behind


def find_watermark(settings: Settings, flow: str) -> datetime | None:
    """The flow's watermark in its last planned batch, None before there is one."""
    checkpoint = checkpoint_uri(settings, flow)
    planned = latest_batch(checkpoint, "offsets")
    if planned is None:
        return None
    metadata, _ = read_offsets(checkpoint, planned)
    milliseconds = metadata["batchWatermarkMs"]
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _kafka_behind(settings: Settings) -> int:
    offsets = _committed(settings, "bronze")
    read = (offsets[0] or {}).get(settings.kafka.topic, {}) if offsets else {}
    ends = count_kafka(settings)
    return sum(end - int(read.get(str(partition), 0)) for partition, end in ends.items())


def _committed(settings: Settings, flow: str) -> list[Any] | None:
    """The sources' end offsets of the flow's last finished batch."""
    checkpoint = checkpoint_uri(settings, flow)
    done = latest_batch(checkpoint, "commits")
    return None if done is None else read_offsets(checkpoint, done)[1]
