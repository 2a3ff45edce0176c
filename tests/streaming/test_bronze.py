"""Bronze: what is told to be no JSON object, and how good records come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from schemas.bronze import EVENTS
from schemas.event import EVENT_FIELDS, MAX_EVENT_BYTES
from schemas.reject import RejectReason
from streaming.bronze import parse_records
from tests.streaming.records import NOON, Record, make_event, read_records


def _nest(levels: int, opening: str, closing: str) -> bytes:
    return (opening * levels + "1" + closing * levels).encode()


def _of_size(size: int) -> bytes:
    return b'{"event_id":"' + b"a" * (size - 15) + b'"}'


MALFORMED = {
    "tombstone": (None, RejectReason.TOMBSTONE),
    "empty": (b"", RejectReason.EMPTY),
    "blank": (b" \t\r\n ", RejectReason.EMPTY),
    "one byte too large": (_of_size(MAX_EVENT_BYTES + 1), RejectReason.TOO_LARGE),
    "10 MB": (_of_size(10_000_000), RejectReason.TOO_LARGE),
    "latin-1": (b'{"event_id":"caf\xe9"}', RejectReason.NOT_UTF8),
    "overlong UTF-8": (b'{"event_id":"\xc0\xaf"}', RejectReason.NOT_UTF8),
    "surrogate in UTF-8": (b'{"event_id":"\xed\xa0\x80"}', RejectReason.NOT_UTF8),
    "truncated UTF-8": (b'{"event_id":"\xf0\x9f\x98"}', RejectReason.NOT_UTF8),
    "UTF-16": ('{"event_id":"1"}'.encode("utf-16-le"), RejectReason.NOT_JSON),
    "byte order mark": (b'\xef\xbb\xbf{"event_id":"1"}', RejectReason.BYTE_ORDER_MARK),
    "NaN": (b'{"value":NaN}', RejectReason.NOT_JSON),
    "NaN in an unknown field": (b'{"whatever":NaN}', RejectReason.NOT_JSON),
    "Infinity": (b'{"value":Infinity}', RejectReason.NOT_JSON),
    "negative Infinity": (b'{"value":-Infinity}', RejectReason.NOT_JSON),
    "a plus sign": (b'{"value":+1}', RejectReason.NOT_JSON),
    "leading zeros": (b'{"value":007}', RejectReason.NOT_JSON),
    "truncated": (b'{"event_id":"1","page_url":"http://x', RejectReason.NOT_JSON),
    "truncated after a value": (b'{"event_id":"1"', RejectReason.NOT_JSON),
    "word behind": (b'{"event_id":"1"} x', RejectReason.NOT_JSON),
    "brace behind": (b'{"event_id":"1"}}', RejectReason.NOT_JSON),
    "bracket and brace behind": (b'{"event_id":"1"}]}', RejectReason.NOT_JSON),
    "form feed behind": (b'{"event_id":"1"}\x0c', RejectReason.NOT_JSON),
    "word and brace behind": (b'{"event_id":"1"} x }', RejectReason.NOT_JSON),
    "two objects": (b'{"event_id":"1"}{"event_id":"2"}', RejectReason.NOT_JSON),
    "two lines": (b'{"event_id":"1"}\n{"event_id":"2"}', RejectReason.NOT_JSON),
    "two objects with a comma": (b'{"event_id":"1"},{"event_id":"2"}', RejectReason.NOT_JSON),
    "trailing comma": (b'{"event_id":"1",}', RejectReason.NOT_JSON),
    "comment": (b'/* one */{"event_id":"1"}', RejectReason.NOT_JSON),
    "single quotes": (b"{'event_id':'1'}", RejectReason.NOT_JSON),
    "key without quotes": (b'{event_id:"1"}', RejectReason.NOT_JSON),
    "raw control character": (b'{"event_id":"a\x01b"}', RejectReason.NOT_JSON),
    "raw tab": (b'{"event_id":"a\tb"}', RejectReason.NOT_JSON),
    "unknown escape": (b'{"event_id":"\\q"}', RejectReason.NOT_JSON),
    "plain text": (b"hello", RejectReason.NOT_JSON),
    "misspelt null": (b"nullx", RejectReason.NOT_JSON),
    "number of 2,000 digits": (b'{"value":' + b"1" * 2000 + b"}", RejectReason.NOT_JSON),
    "array": (b'[{"event_id":"1"}]', RejectReason.NOT_AN_OBJECT),
    "empty array": (b" []\n", RejectReason.NOT_AN_OBJECT),
    "array with a duplicate key": (b'[{"a":1,"a":2}]', RejectReason.NOT_AN_OBJECT),
    "array with a word behind": (b'[{"event_id":"1"}] x', RejectReason.NOT_JSON),
    "null": (b"null", RejectReason.NOT_AN_OBJECT),
    "number": (b"12", RejectReason.NOT_AN_OBJECT),
    "string": (b'"event"', RejectReason.NOT_AN_OBJECT),
    "true": (b"true", RejectReason.NOT_AN_OBJECT),
    "duplicate key": (b'{"event_id":"1","event_id":"2"}', RejectReason.DUPLICATE_KEY),
    "duplicate unknown key": (b'{"a":1,"event_id":"1","a":2}', RejectReason.DUPLICATE_KEY),
    "duplicate key, escaped": (
        b'{"event_id":"1","event\\u005fid":"2"}',
        RejectReason.DUPLICATE_KEY,
    ),
    "10,000 arrays": (b'{"a":' + _nest(10_000, "[", "]") + b"}", RejectReason.TOO_DEEP),
    "10,000 objects": (b'{"properties":' + _nest(10_000, '{"a":', "}") + b"}", "too_deep"),
    "10,000 arrays and no object": (_nest(10_000, "[", "]"), RejectReason.TOO_DEEP),
    "1,000 levels": (_nest(1_000, '{"a":', "}"), RejectReason.TOO_DEEP),
}

WELL_FORMED = {
    "flat": b'{"event_id":"1"}',
    "empty object": b"{}",
    "white space around": b' \r\n\t{"event_id":"1"}\n ',
    "nested object": b'{"properties":{"a":{"b":[1,2]}},"event_id":"1"}',
    "braces in text": b'{"page_title":"} {\\"a\\":1} ]","event_id":"1"}',
    "999 levels": _nest(999, '{"a":', "}"),
    "exactly the greatest size": _of_size(MAX_EVENT_BYTES),
    "field named like the parser's own": b'{"_malformed":"x","event_id":"1"}',
    "one key twice inside": b'{"properties":{"a":1,"a":2},"event_id":"1"}',
    "keys that differ in case": b'{"event_id":"1","Event_ID":"2"}',
}

VALUES: dict[str, tuple[dict[str, Any], dict[str, str | None]]] = {
    "unicode": ({"page_title": "Größe 世界 😀 \u202e"}, {"page_title": "Größe 世界 😀 \u202e"}),
    "escaped NUL": ({"event_id": "a\u0000b"}, {"event_id": "a\u0000b"}),
    # What JavaScript makes of an emoji cut in half.
    "lone surrogate": ({"page_title": "cut \ud83d"}, {"page_title": "cut ?"}),
    "number for text": ({"event_id": 12345678901234567890}, {"event_id": "12345678901234567890"}),
    "text for a number": ({"value": "3.5"}, {"value": "3.5"}),
    "boolean for text": ({"user_id": True}, {"user_id": "true"}),
    "object for text": ({"event_id": {"a": 1}}, {"event_id": '{"a":1}'}),
    "list for text": ({"user_id": [1, 2]}, {"user_id": "[1,2]"}),
    "null": ({"user_id": None}, {"user_id": None}),
    "unknown fields": (
        {"zip": "x", "event_id": "7"},
        {"event_id": "7", "properties": '{"zip":"x"}'},
    ),
    "time as a number": ({"event_timestamp": 1715688000000}, {"event_timestamp": "1715688000000"}),
    "properties": ({"properties": {"a": [1, {"b": None}]}}, {"properties": '{"a":[1,{"b":null}]}'}),
}


@pytest.fixture(scope="module")
def parsed(spark: SparkSession) -> list[Row]:
    values = [value for value, _ in MALFORMED.values()] + list(WELL_FORMED.values())
    values += [json.dumps(sent).encode() for sent, _ in VALUES.values()]
    rows = parse_records(read_records(spark, map(Record, values))).collect()
    return sorted(rows, key=lambda row: int(row.offset))


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_record_has_its_reason(case: str, parsed: list[Row]) -> None:
    value, reason = MALFORMED[case]
    row = parsed[list(MALFORMED).index(case)]
    assert row.malformed == reason
    assert row.raw == (None if value is None else bytearray(value))


@pytest.mark.parametrize("case", WELL_FORMED)
def test_a_json_object_is_not_malformed(case: str, parsed: list[Row]) -> None:
    row = parsed[len(MALFORMED) + list(WELL_FORMED).index(case)]
    assert row.malformed is None
    assert row.raw == bytearray(WELL_FORMED[case])


@pytest.mark.parametrize("case", VALUES)
def test_a_field_comes_out_as_text(case: str, parsed: list[Row]) -> None:
    row = parsed[len(MALFORMED) + len(WELL_FORMED) + list(VALUES).index(case)]
    expected = {name: VALUES[case][1].get(name) for name in EVENT_FIELDS}
    assert row.malformed is None
    assert {name: row[name] for name in EVENT_FIELDS} == expected


def test_every_malformed_reason_has_a_case() -> None:
    judged_in_silver = {
        RejectReason.MISSING_FIELD,
        RejectReason.UNKNOWN_EVENT_TYPE,
        RejectReason.INVALID_LENGTH,
        RejectReason.INVALID_TIMESTAMP,
        RejectReason.INVALID_URL,
        RejectReason.INVALID_NUMBER,
    }
    assert {reason for _, reason in MALFORMED.values()} == set(RejectReason) - judged_in_silver


def test_the_columns_are_those_of_the_table_less_stream_time(spark: SparkSession) -> None:
    rows = parse_records(read_records(spark, [Record(b"{}")]))
    expected = {column.name: column.type for column in EVENTS.columns}
    del expected["stream_time"]
    assert dict(rows.dtypes) == expected


def test_arrival_is_the_brokers_append_time(spark: SparkSession) -> None:
    records = read_records(spark, [Record(json.dumps(make_event()).encode(), NOON)])
    row = parse_records(records).selectExpr("unix_micros(arrival_time) AS at", "*").collect()[0]
    assert row["at"] == NOON.timestamp() * 1_000_000
    assert row.arrival_date == NOON.date()
    assert row.kafka_timestamp_type == 1


def test_arrival_is_the_time_of_reading_where_a_producer_set_the_timestamp(
    spark: SparkSession,
) -> None:
    far = datetime(2099, 1, 1, tzinfo=UTC)
    before = datetime.now(UTC)
    records = read_records(spark, [Record(b"{}", far)], timestamp_type=0)
    row = parse_records(records).selectExpr("unix_micros(arrival_time) AS at").collect()[0]
    arrival = datetime.fromtimestamp(row["at"] / 1_000_000, UTC)
    assert before - timedelta(seconds=1) <= arrival <= datetime.now(UTC)
