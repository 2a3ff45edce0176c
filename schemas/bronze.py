"""Bronze: every Kafka record as it came, and the ones that were rejected."""

from __future__ import annotations

from schemas.event import EVENT_FIELDS
from schemas.table import Column, Table

COORDINATES = (
    Column("topic", "string", "Kafka topic of the record."),
    Column("partition", "int", "Kafka partition."),
    Column("offset", "bigint", "Kafka offset; with topic and partition the record's identity."),
)

EVENTS = Table(
    name="bronze.events",
    help="One Kafka record, good or bad; nothing is dropped before it.",
    columns=(
        *COORDINATES,
        Column("kafka_timestamp", "timestamp", "The record's Kafka timestamp."),
        Column("kafka_timestamp_type", "int", "0: set by the producer, 1: by the broker."),
        Column("raw", "binary", "The record's value, byte by byte."),
        Column("arrival_time", "timestamp", "When the record arrived (CONTRACT section 7)."),
        Column("arrival_date", "date", "UTC day of arrival_time; partition."),
        Column(
            "stream_time",
            "timestamp",
            "Latest arrival_time in all earlier Bronze batches: no watermark downstream is beyond.",
        ),
        Column("malformed", "string", "Reject reason where the record is no JSON object."),
        *(Column(name, "string", "As the client sent it, as text.") for name in EVENT_FIELDS),
    ),
    partition_by=("arrival_date",),
    stats_columns=("arrival_time", "offset"),
)

DEAD_LETTERS = Table(
    name="bronze.dead_letters",
    help="One rejected record; the same goes to the dead-letter topic.",
    columns=(
        *COORDINATES,
        Column("raw", "binary", "The record's value, byte by byte."),
        Column("arrival_time", "timestamp", "When the record arrived."),
        Column("arrival_date", "date", "UTC day of arrival_time; partition."),
        Column("site_id", "string", "Site, where it could be read."),
        Column("reason", "string", "First reason that applies (schemas.reject.RejectReason)."),
        Column("reasons", "array<string>", "All reasons that apply."),
        Column("detail", "string", "The fields concerned, with their values cut short."),
        Column("rules_version", "string", "Version of the rules that rejected it."),
    ),
    partition_by=("arrival_date",),
    stats_columns=("arrival_time",),
)
