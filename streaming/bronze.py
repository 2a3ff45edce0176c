"""Bronze: Kafka records to rows that keep every byte and add the parsed fields.

From the columns of Spark's Kafka source to those of `bronze.events` less `stream_time`, which only
the batch that writes them knows. Pure.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.event import (
    EVENT_FIELDS,
    JSON_OPTIONS,
    JSON_SCHEMA,
    MALFORMED_COLUMN,
    MAX_EVENT_BYTES,
    MAX_NESTING,
)
from schemas.reject import RejectReason
from streaming.properties import merge_unknown_fields

_LOG_APPEND_TIME = 1
_JSON_SPACE = " \\t\\n\\r"


def parse_records(records: DataFrame) -> DataFrame:
    """Parse Kafka records once, for every later layer.

    records: topic, partition, offset, timestamp, timestampType, value (Spark's Kafka source).
    Returns the columns of `bronze.events` without `stream_time`.
    """
    arrival_time = F.when(F.col("timestampType") == _LOG_APPEND_TIME, F.col("timestamp")).otherwise(
        vary_by_batch(F.current_timestamp())
    )
    return parse_raw(
        records.withColumn("arrival_time", arrival_time).select(
            "topic",
            "partition",
            "offset",
            F.col("timestamp").alias("kafka_timestamp"),
            F.col("timestampType").alias("kafka_timestamp_type"),
            F.col("value").alias("raw"),
            "arrival_time",
            F.to_date("arrival_time").alias("arrival_date"),
        )
    )


def vary_by_batch(value: Column) -> Column:
    """The same value, kept out of the code that Spark generates.

    A literal is written into that code. One that changes with each batch would have the whole
    projection compiled anew for it, by Spark and by the JVM (docs/adr/0014).
    """
    return F.transform(F.array(value), lambda same: same)[0]


def parse_raw(rows: DataFrame) -> DataFrame:
    """Add `malformed` and every field of an event (text), read from `raw`.

    `properties` has the record's unknown fields as well.
    """
    fields = {name: f"_event.{name}" for name in EVENT_FIELDS}
    fields["properties"] = merge_unknown_fields("_text", "_keys", "_event.properties")
    return (
        rows.withColumn("_text", _text_to_parse())
        .withColumn("_event", F.from_json("_text", JSON_SCHEMA, JSON_OPTIONS))
        .withColumn("_keys", F.expr("json_object_keys(_text)"))
        .select(
            *rows.columns,
            find_malformed().alias("malformed"),
            *(F.expr(sql).alias(name) for name, sql in fields.items()),
        )
    )


def _text_to_parse() -> Column:
    """The value as text, null where parsing it would be pointless or too costly."""
    return F.expr(f"CASE WHEN octet_length(raw) <= {MAX_EVENT_BYTES} THEN string(raw) END")


def find_malformed() -> Column:
    """The reason why a record is no JSON object, null where it is one."""
    # Spark's parser stops at the end of the first value; a field of an array must end there.
    is_json = "coalesce(json_array_length(concat('[', _text, ',0]')) = 2, false)"
    parsed = f"_event IS NOT NULL AND _event.{MALFORMED_COLUMN} IS NULL"
    # Nearly every record; the looks at its ends replace a search through all of its characters.
    is_plain = (
        "startswith(_text, '{') AND endswith(_text, '}') "
        f"AND (locate('}}', _text) = length(_text) OR {is_json}) AND is_valid_utf8(_text)"
    )
    has_twice = "size(array_distinct(_keys)) <> size(_keys)"
    twice = f"CASE WHEN {has_twice} THEN '{RejectReason.DUPLICATE_KEY}' END"
    return F.expr(
        f"""CASE
        WHEN {parsed} AND {is_plain} THEN {twice}
        WHEN raw IS NULL THEN '{RejectReason.TOMBSTONE}'
        WHEN octet_length(raw) > {MAX_EVENT_BYTES} THEN '{RejectReason.TOO_LARGE}'
        ELSE {_find_unusual(parsed, is_json, twice)} END"""
    )


def _find_unusual(parsed: str, is_json: str, twice: str) -> str:
    """SQL of the reason for a record that does not begin and end with its braces, or is broken."""
    first_character = f"left(ltrim('{_JSON_SPACE}', _text), 1)"
    # Only what has a brace before its last character can have something after its object.
    has_trail = f"(locate('}}', _text) < length(rtrim('{_JSON_SPACE}', _text)) AND NOT {is_json})"
    opened = r"length(regexp_replace(_text, '[^\\[{]', ''))"
    return f"""CASE
        WHEN length(trim(BOTH '{_JSON_SPACE}' FROM _text)) = 0 THEN '{RejectReason.EMPTY}'
        WHEN substring(raw, 1, 3) = X'EFBBBF' THEN '{RejectReason.BYTE_ORDER_MARK}'
        WHEN NOT is_valid_utf8(_text) THEN '{RejectReason.NOT_UTF8}'
        WHEN NOT ({parsed}) OR {has_trail} THEN CASE
            WHEN {first_character} <> '{{' AND {is_json}
                THEN '{RejectReason.NOT_AN_OBJECT}'
            WHEN {opened} > {MAX_NESTING} THEN '{RejectReason.TOO_DEEP}'
            ELSE '{RejectReason.NOT_JSON}' END
        ELSE {twice} END"""
