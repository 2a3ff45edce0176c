"""What is rejected, and why: each reason of Silver, alone and together."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from schemas.event import EVENT_TYPES, MAX_IDENTIFIER_LENGTH, NUMBER_FIELDS
from schemas.reject import RejectReason
from settings.model import Settings
from streaming.silver import judge_events
from tests.streaming.records import NOON, Record, make_event, make_record, read_bronze
from tests.streaming.test_bronze import MALFORMED

MISSING = RejectReason.MISSING_FIELD
TYPE = RejectReason.UNKNOWN_EVENT_TYPE
LENGTH = RejectReason.INVALID_LENGTH
TIME = RejectReason.INVALID_TIMESTAMP
URL = RejectReason.INVALID_URL
NUMBER = RejectReason.INVALID_NUMBER

FULL: dict[str, dict[str, Any]] = {
    "page_view": {},
    "click": {"page_url": None},
    "scroll": {"page_url": None, "scroll_depth_percent": 0},
    "form_submit": {"page_url": None, "form_id": "f"},
    "video_play": {"page_url": None, "video_id": "v"},
    "custom_event": {"page_url": None, "event_name": "n"},
    "session_start": {"page_url": None},
    "session_end": {"page_url": None},
}
LONGEST = "x" * MAX_IDENTIFIER_LENGTH

# Case -> (fields changed in a valid page view, reasons).
CASES: dict[str, tuple[dict[str, Any], list[RejectReason]]] = {
    **{f"a full {name}": ({"event_type": name, **FULL[name]}, []) for name in EVENT_TYPES},
    "no event_id": ({"event_id": None}, [MISSING]),
    "empty event_id": ({"event_id": ""}, [MISSING]),
    "no event_type": ({"event_type": None}, [MISSING]),
    "no event_timestamp": ({"event_timestamp": None}, [MISSING]),
    "nobody": ({"anonymous_id": None}, [MISSING]),
    "nobody, in empty words": ({"anonymous_id": "", "user_id": ""}, [MISSING]),
    "only user_id": ({"anonymous_id": None, "user_id": "u"}, []),
    "page_view without URL": ({"page_url": None}, [MISSING]),
    "page_view with an empty URL": ({"page_url": ""}, [MISSING]),
    "scroll without depth": ({"event_type": "scroll"}, [MISSING]),
    "form_submit without form": ({"event_type": "form_submit"}, [MISSING]),
    "form_submit with a name": ({"event_type": "form_submit", "form_name": "n"}, []),
    "video_play without video": ({"event_type": "video_play"}, [MISSING]),
    "custom_event without name": ({"event_type": "custom_event"}, [MISSING]),
    "unknown type": ({"event_type": "purchase"}, [TYPE]),
    "type in capitals": ({"event_type": "PAGE_VIEW"}, [TYPE]),
    "type with a quote": ({"event_type": "page_view' OR 'a'='a"}, [TYPE]),
    "longest identifiers": (dict.fromkeys(("event_id", "anonymous_id", "user_id"), LONGEST), []),
    "longest in characters, not bytes": ({"event_id": "é" * MAX_IDENTIFIER_LENGTH}, []),
    "event_id too long": ({"event_id": LONGEST + "x"}, [LENGTH]),
    "anonymous_id too long": ({"anonymous_id": LONGEST + "x"}, [LENGTH]),
    "user_id too long": ({"user_id": LONGEST + "x"}, [LENGTH]),
    "time without offset": ({"event_timestamp": "2024-05-14T12:00:00"}, [TIME]),
    "time that is none": ({"event_timestamp": "soon"}, [TIME]),
    "time as an object": ({"event_timestamp": {"at": 1}}, [TIME]),
    "sent_timestamp that is none": ({"sent_timestamp": "soon"}, [TIME]),
    "empty sent_timestamp": ({"sent_timestamp": ""}, []),
    "relative URL": ({"page_url": "/home"}, [URL]),
    "URL of another scheme": ({"page_url": "ftp://shop.example/"}, [URL]),
    "URL without host": ({"page_url": "https:///home"}, [URL]),
    "URL of a port": ({"page_url": "https://:443/"}, [URL]),
    "bad escape in URL": ({"page_url": "https://shop.example/?width=100%"}, []),
    "click with a bad URL": ({"event_type": "click", "page_url": "about:blank"}, []),
    "1e400": ({"value": "1e400"}, [NUMBER]),
    "negative load time": ({"load_time_ms": -1}, [NUMBER]),
    "NaN as text": ({"value": "NaN"}, [NUMBER]),
    "Infinity as text": ({"value": "Infinity"}, [NUMBER]),
    "minus Infinity as text": ({"value": "-inf"}, [NUMBER]),
    "boolean as number": ({"cls": True}, [NUMBER]),
    "number as text": ({"value": " 3.5 "}, []),
    "negative value": ({"value": -3.5}, []),
    "scroll of 100": ({"event_type": "scroll", "scroll_depth_percent": 100}, []),
    "scroll beyond": ({"event_type": "scroll", "scroll_depth_percent": 100.01}, [NUMBER]),
    "scroll below": ({"event_type": "scroll", "scroll_depth_percent": -0.01}, [NUMBER]),
    "integer that is none": ({"x": "left"}, []),
    "unknown fields": ({"whatever": {"a": 1}}, []),
    **{f"words for {name}": ({name: "many"}, [NUMBER]) for name in NUMBER_FIELDS},
    "several": (
        {"event_id": LONGEST + "x", "event_timestamp": "soon", "page_url": "/", "value": "no"},
        [LENGTH, TIME, URL, NUMBER],
    ),
    "everything missing": (
        dict.fromkeys(("event_id", "event_type", "event_timestamp", "anonymous_id", "page_url")),
        [MISSING],
    ),
}
# `1e400` as a number: Python's json cannot write it.
HUGE = (
    b'{"event_id":"1","event_type":"click","event_timestamp":1,"user_id":"u","value":%s1e400}',
    [NUMBER],
)
RAW: dict[str, tuple[bytes | None, list[RejectReason]]] = {
    "1e400 as a number": (HUGE[0] % b"", HUGE[1]),
    "-1e400 as a number": (HUGE[0] % b"-", HUGE[1]),
    "malformed, and no field of it judged": (b"[1]", [RejectReason.NOT_AN_OBJECT]),
    "tombstone": (None, [RejectReason.TOMBSTONE]),
}


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, Row]:
    records = [make_record(make_event(**changed), NOON) for changed, _ in CASES.values()]
    records += [Record(value) for value, _ in RAW.values()]
    rows = judge_events(read_bronze(spark, records), Settings()).collect()
    names = [*CASES, *RAW]
    return {names[row.offset]: row for row in rows}


@pytest.mark.parametrize("case", [*CASES, *RAW])
def test_a_record_has_exactly_its_reasons(case: str, judged: dict[str, Row]) -> None:
    expected = (CASES.get(case) or RAW[case])[1]
    assert judged[case].reasons == expected


@pytest.mark.parametrize("case", [*CASES, *RAW])
def test_a_record_is_either_shaped_or_kept_raw(case: str, judged: dict[str, Row]) -> None:
    row = judged[case]
    is_accepted = row.reasons == []
    assert (row.event is not None) == is_accepted
    assert (row.detail is None) == is_accepted
    if case != "tombstone":
        assert (row.raw is None) == is_accepted


def test_the_detail_names_what_was_wrong_and_is_cut_short(judged: dict[str, Row]) -> None:
    assert '"page_url":"/home"' in judged["relative URL"].detail
    assert '"event_timestamp":"soon"' in judged["time that is none"].detail
    assert all(f'"{name}":"many"' in judged[f"words for {name}"].detail for name in NUMBER_FIELDS)
    assert judged["tombstone"].detail == "record of no bytes"
    assert judged["malformed, and no field of it judged"].detail == "record of 3 bytes"
    assert all(len(row.detail or "") <= 500 for row in judged.values())


def test_every_reason_has_a_case() -> None:
    tried = {reason for _, reason in MALFORMED.values()}
    for _, reasons in CASES.values():
        tried.update(reasons)
    assert tried == set(RejectReason)


def test_reasons_come_in_the_order_of_their_declaration(judged: dict[str, Row]) -> None:
    order = list(RejectReason)
    for row in judged.values():
        places = [order.index(RejectReason(reason)) for reason in row.reasons]
        assert places == sorted(places)


def test_rejected_records_are_nobodys_duplicates(judged: dict[str, Row]) -> None:
    keys = [row.dedup_key for row in judged.values() if row.reasons]
    assert len(set(keys)) == len(keys)
    assert None not in keys
