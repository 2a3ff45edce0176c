"""How far the app has come: what Kafka has, and what each flow has not read yet.

Needs no Spark on a local lake, so `web-analytics status` and the heartbeat share it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas import bronze, silver
from settings.model import Settings
from streaming.checkpoints import delta_position, latest_batch, read_offsets
from streaming.delta_log import Position, count_changes, count_unread
from streaming.files import read_text
from streaming.runtime import checkpoint_uri, table_uri

KAFKA_TIMEOUT_S = 10.0

# Flow -> the Delta table it reads; `bronze` reads Kafka.
SOURCES = {
    "silver": bronze.EVENTS.name,
    "sessions": silver.EVENTS.name,
    "verdicts": silver.SESSIONS.name,
    "gold_events": silver.EVENTS.name,
    "gold_details": silver.EVENTS.name,
    "gold_sessions": silver.SESSIONS.name,
}
# Of these, the ones that read the table's change feed rather than its appended rows.
_CHANGE_FEED_READERS = ("verdicts", "gold_events", "gold_details", "gold_sessions")
FLOW_NAMES = ("bronze", *SOURCES)


def count_kafka(settings: Settings, timeout_s: float = KAFKA_TIMEOUT_S) -> dict[int, int]:
    """End offset of each partition of the events topic. Raises KafkaException."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": "web-analytics-progress",
            "log_level": 2,  # what goes wrong is raised, not also told on stderr
            **settings.kafka.options,
        }
    )
    try:
        topic = settings.kafka.topic
        metadata = consumer.list_topics(topic, timeout=timeout_s).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return {
            partition: consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=timeout_s
            )[1]
            for partition in metadata.partitions
        }
    finally:
        consumer.close()


def first_offsets(settings: Settings) -> dict[int, int]:
    """Where Bronze began to read each partition; those not named here began at 0."""
    # Spark writes it once, with a zero byte and a version line before the JSON.
    text = read_text(f"{checkpoint_uri(settings, 'bronze')}/sources/0/0")
    begun = json.loads(text.splitlines()[1]) if text else {}
    return {int(key): int(value) for key, value in begun.get(settings.kafka.topic, {}).items()}


def count_behind(settings: Settings, ends: Mapping[int, int] | None = None) -> dict[str, int]:
    """Rows or records that each flow has still to read, by flow name.

    ends: the topic's end offsets, where the caller has just counted them. A batch counts as read
    when it is committed. Read from front to back: where all are 0, Gold has all that `ends` says.
    """
    behind = {"bronze": _kafka_behind(settings, count_kafka(settings) if ends is None else ends)}
    return behind | {flow: count_flow_behind(settings, flow) for flow in SOURCES}


def count_flow_behind(settings: Settings, flow: str) -> int:
    """Rows that a flow has still to read from its table."""
    count = count_changes if flow in _CHANGE_FEED_READERS else count_unread
    return count(table_uri(settings, SOURCES[flow]), position_of(settings, flow))


def count_batch(settings: Settings, flow: str, batch_id: int) -> int:
    """Rows or records that the batch which runs now takes in, as of a table what came since too."""
    if flow != "bronze":
        return count_flow_behind(settings, flow)
    ends = _kafka_position(settings, read_offsets(checkpoint_uri(settings, flow), batch_id)[1])
    return _count_between(_kafka_position(settings, _committed(settings, flow)), ends)


def has_read(settings: Settings, flow: str, version: int) -> bool:
    """Whether a flow's finished batches have read its table up to a version, this included."""
    # The position after a version's last file is in that version still, until another one comes.
    is_beyond = position_of(settings, flow).version > version
    return is_beyond or count_flow_behind(settings, flow) == 0


def position_of(settings: Settings, flow: str, source: int = 0) -> Position:
    """How far a flow's finished batches have read its table, or a further source by number."""
    offsets = _committed(settings, flow)
    return delta_position(offsets[source] if offsets else None)


def start_of_last_batch(settings: Settings, flow: str, source: int = 0) -> Position:
    """Where the flow's last finished batch began to read its table: Spark starts by looking there.

    The table's beginning where there is none.
    """
    checkpoint = checkpoint_uri(settings, flow)
    done = latest_batch(checkpoint, "commits")
    if not done:
        return delta_position(None)
    return delta_position(read_offsets(checkpoint, done - 1)[1][source])


def is_closing_due(settings: Settings) -> bool:
    """Whether the last events that `sessions` read close sessions which it has still to close.

    A batch moves the watermark; sessions close in the next one, which comes without data. What
    heartbeats move after that is not counted: they close sessions that are open till then.
    """
    checkpoint = checkpoint_uri(settings, "sessions")
    done = latest_batch(checkpoint, "commits")
    if done is None:
        return False
    metadata, ends = read_offsets(checkpoint, done)
    if done > 0 and read_offsets(checkpoint, done - 1)[1][0] == ends[0]:
        return False
    text = read_text(f"{checkpoint}/commits/{done}") or ""
    commit = json.loads(text.splitlines()[1])
    return bool(commit["nextBatchWatermarkMs"] > metadata["batchWatermarkMs"])


def interrupted_flows(settings: Settings) -> list[str]:
    """Flows with a batch that is planned but not committed: running, or cut off by a crash."""
    names = []
    for flow in FLOW_NAMES:
        checkpoint = checkpoint_uri(settings, flow)
        planned, done = (latest_batch(checkpoint, log) for log in ("offsets", "commits"))
        if planned is not None and (done is None or done < planned):
            names.append(flow)
    return names


def find_watermark(settings: Settings, flow: str) -> datetime | None:
    """The flow's watermark in its last planned batch, None before there is one."""
    checkpoint = checkpoint_uri(settings, flow)
    planned = latest_batch(checkpoint, "offsets")
    if planned is None:
        return None
    metadata, _ = read_offsets(checkpoint, planned)
    milliseconds = metadata["batchWatermarkMs"]
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _kafka_behind(settings: Settings, ends: Mapping[int, int]) -> int:
    return _count_between(_kafka_position(settings, _committed(settings, "bronze")), ends)


def _kafka_position(settings: Settings, offsets: list[Any] | None) -> dict[int, int]:
    """Where each partition is read on from, by a batch's end offsets; None: before the first."""
    read = (offsets[0] or {}).get(settings.kafka.topic, {}) if offsets else {}
    return first_offsets(settings) | {int(key): int(value) for key, value in read.items()}


def _count_between(starts: Mapping[int, int], ends: Mapping[int, int]) -> int:
    # A topic with less than was read of it (made anew, say) is not caught up with either.
    return sum(abs(end - starts.get(partition, 0)) for partition, end in ends.items())


def _committed(settings: Settings, flow: str) -> list[Any] | None:
    """The sources' end offsets of the flow's last finished batch."""
    checkpoint = checkpoint_uri(settings, flow)
    done = latest_batch(checkpoint, "commits")
    return None if done is None else read_offsets(checkpoint, done)[1]
