"""What each change of a client does: every cell of docs/drift.md, in one job.

After a change of the cases: `.venv/bin/python -m tests.streaming.test_drift` writes the tables.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from settings.model import Settings
from streaming.properties import PREFIX
from streaming.silver import judge_events
from tests.streaming.drift import FIELDS, TIMES, TYPES, all_drifts, render_matrix
from tests.streaming.records import NOON, Record, read_bronze

PAGE = Path(__file__).resolve().parents[2] / "docs" / "drift.md"
TABLES = {"fields": FIELDS, "types": TYPES, "times": TIMES}
DRIFTS = list(all_drifts())

# Records whose form is wrong are in the poison corpus; here are the unknown fields of odd ones.
ODD_FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "white space around": ('{"a" : 1, "b":\n2, "c": "3"}', {"a": 1, "b": 2, "c": "3"}),
    # Told from the quote behind the key, which is looked for only where encoders put it.
    "a number as text behind a tab": ('{"a":\t"3", "b":\t"x"}', {"a": 3, "b": "x"}),
    "JSON as text behind white space": ('{"a" : "{\\"b\\":1}"}', {"a": {"b": 1}}),
    "broken JSON behind white space": ('{"a" : "{\'b\':1}"}', {"a": "{'b':1}"}),
    "raw control character in JSON as text": ('{"a" : "[\\"\\n\\"]"}', {"a": '["\n"]'}),
    "two values as text": ('{"a" : "1,2", "b" : "1],[2"}', {"a": "1,2", "b": "1],[2"}),
    "text that begins like an inner list": (
        '{"a": "[1", "properties": {"a": [1, 2]}}',
        {"a": [1, 2], "event.a": "[1"},
    ),
    "odd names": (
        '{"": 1, "a b": 2, "q\\"": 3, "\\u00e9\\n": "x", "$.*[\'?": 4}',
        {"": 1, "a b": 2, 'q"': 3, "é\n": "x", "$.*['?": 4},
    ),
    "the parser's own column": ('{"_malformed": "x"}', {"_malformed": "x"}),
    "numbers": ('{"a": -0.5, "b": 1e3, "c": "1e3"}', {"a": -0.5, "b": 1000.0, "c": "1e3"}),
    "text that looks like nothing else": (
        '{"a": "", "b": "null", "c": "true", "d": " "}',
        {"a": "", "b": "null", "c": "true", "d": " "},
    ),
    "empty properties": ('{"properties": { }, "a": []}', {"a": []}),
    "half an emoji": ('{"a": "\\ud83d"}', {"a": "?"}),
}


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> list[Row]:
    bronze = read_bronze(spark, [Record(drift.text, NOON) for drift in DRIFTS])
    return judge_events(bronze, Settings()).orderBy("offset").collect()


@pytest.mark.parametrize("place", range(len(DRIFTS)), ids=lambda place: DRIFTS[place].kind)
def test_a_change_does_what_the_page_says(place: int, judged: list[Row]) -> None:
    drift, row = DRIFTS[place], judged[place]
    if drift.reason is not None:
        assert row.reasons[:1] == [drift.reason]
        assert row.raw == bytearray(drift.text)
        return
    assert row.reasons == []
    event = row.event.asDict()
    assert {name: _plain(name, event[name]) for name in drift.kept} == drift.kept


@pytest.mark.parametrize("case", ODD_FIELDS)
def test_unknown_fields_keep_name_and_type(case: str, spark: SparkSession) -> None:
    text, expected = ODD_FIELDS[case]
    row = read_bronze(spark, [Record(text.encode())]).select("properties").collect()[0]
    assert json.loads(row.properties) == expected


def test_deeply_nested_unknown_fields_are_kept(spark: SparkSession) -> None:
    nests = ["[" * 998 + "]" * 998, '{"a":' * 997 + "1" + "}" * 997]
    records = [Record(f'{{"k":{nest}}}'.encode()) for nest in nests]
    rows = read_bronze(spark, records).orderBy("offset").collect()
    assert [row.properties for row in rows] == [f'{{"k":{nest}}}' for nest in nests]


def test_thousands_of_unknown_fields_become_text_in_one_object(spark: SparkSession) -> None:
    many = {f"f{number}": number for number in range(30_000)}
    own = {f"p{number}": number for number in range(30_000)}
    text = json.dumps({**many, "event_id": "1", "properties": own}).encode()
    row = read_bronze(spark, [Record(text)]).select("properties").collect()[0]
    expected = {name: str(number) for name, number in many.items()}
    assert json.loads(row.properties) == {**own, PREFIX: expected}


def test_what_is_no_object_has_no_properties(spark: SparkSession) -> None:
    values = [None, b"", b"\xff", b"[1]", b'{"a":', b"12"]
    rows = read_bronze(spark, map(Record, values)).select("properties").collect()
    assert {row.properties for row in rows} == {None}


@pytest.mark.parametrize("name", TABLES)
def test_the_page_is_current(name: str) -> None:
    assert render_matrix(TABLES[name]) in PAGE.read_text(encoding="utf-8"), __doc__


def test_no_two_cells_are_the_same() -> None:
    cells = [(drift.kind, drift.sent, drift.event_type) for drift in DRIFTS]
    assert len(set(cells)) == len(cells)


def _plain(name: str, value: Any) -> Any:
    if name == "properties" and value is not None:
        return json.loads(value)
    return value.isoformat() if isinstance(value, datetime) else value


def write_page() -> None:
    """Put the tables of the cases into the page, between their marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, drifts in TABLES.items():
        parts = re.split(rf"(<!-- {name} -->\n).*?(<!-- end -->)", text, maxsplit=1, flags=re.S)
        text = "".join((parts[0], parts[1], render_matrix(drifts), *parts[2:]))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_page()
