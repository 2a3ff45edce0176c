"""The event models: one with the constants, the documents, and what Silver makes of a record.

After a change of the models: `.venv/bin/python -m tests.schemas.test_event_models` writes the docs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import Row, SparkSession

from schemas import event
from schemas.event_documents import (
    kind_of,
    make_json_schema,
    render_field_table,
    render_json_schema,
)
from schemas.event_models import EVENT_MODELS, EventFields, find_reject_reasons, validate_event
from settings.model import Settings
from streaming.silver import judge_events
from tests.streaming.drift import all_drifts
from tests.streaming.poison import HARMLESS
from tests.streaming.poison_fields import make_invalid
from tests.streaming.poison_shape import NEEDS, make_text
from tests.streaming.records import Record, read_bronze

DOCS = Path(__file__).resolve().parents[2] / "docs"
NUMBER_TEXTS = (
    "1d", "1F", "0x1p3", "0x10", "1e", "+1", "1_0", ".5", "5.", ".", "", " 3.5 ", "\t1\n", "1e400",
    "1e-400", "12,5", "-0", "\u00a01", "inf", "nan", "1L", "2147483647.9", "2147483648",
    "-2147483648.5",
    "-2147483649", "T", " yes ", "on", "0", "tRUE", "\u00a0true", "0x.8p1", "0xp1", "1e5f", "1ff",
)  # fmt: skip
TIME_TEXTS = (
    "1715688000000\n", "1715688000000\r\n", "1715688000000\n\n", "2024-05-14T12:00:00Z\n", "-0",
    "00000000000000", "0000-02-29T00:00:00Z", "2024-05-14T12:00:00-18:00",
    "2024-05-14T12:00:00-18:01",
    "2024-05-14T12:00+0530", "1900-02-29T00:00Z", "2000-02-29T00:00Z", "2024-05-14t12:00:00.1z",
)  # fmt: skip
URL_TEXTS = (
    "hTTps://X", "http://a@", "http://a@b:1", "http://[::1]:80/", "http://:1@b", "http://a:b",
    "http:// /",
    "http://\n", "http://#", "http://x#@:80", "http://@x?y", "http://x:80:80", "https://\\x",
)  # fmt: skip


def _make_cases() -> list[bytes]:
    cases = [poison.value or b"" for poison in make_invalid()]
    cases += [drift.text for drift in all_drifts()]
    # What Python's own parser would not follow says nothing of the model.
    cases += [text for name, text in HARMLESS.items() if "998" not in name and len(text) < 300_000]
    for text in NUMBER_TEXTS:
        cases.append(make_text("click", x=text, form_success=text))
        cases += [make_text("scroll", **{name: text}) for name in ("value", "scroll_depth_percent")]
    cases += [make_text(event_timestamp=text) for text in TIME_TEXTS]
    cases += [make_text(page_url=text) for text in URL_TEXTS]
    cases += [make_text("click", page_url=text) for text in URL_TEXTS]
    return cases


CASES = _make_cases()


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> list[Row]:
    rows = judge_events(read_bronze(spark, map(Record, CASES)), Settings())
    return rows.select("offset", "reasons", "event").orderBy("offset").collect()


def test_a_model_accepts_exactly_what_silver_accepts(judged: list[Row]) -> None:
    differ = []
    for text, row in zip(CASES, judged, strict=True):
        found = find_reject_reasons(json.loads(text))
        if bool(found) != bool(row.reasons) or not set(found) <= set(row.reasons):
            differ.append((text[:300], found, row.reasons))
    assert differ == []


def test_a_model_casts_as_silver_casts(judged: list[Row]) -> None:
    differ = []
    names = [
        name
        for name in event.EVENT_FIELDS
        # Times are kept as text, and `properties` as it is; both are cast elsewhere.
        if name not in (*event.TIME_FIELDS, "properties")
    ]
    for text, row in zip(CASES, judged, strict=True):
        if row.reasons:
            continue
        model = validate_event(json.loads(text))
        for name in names:
            mine, theirs = getattr(model, name), row.event[name]
            if mine != theirs and not (mine is None and theirs == "" and "_id" in name):
                differ.append((text[:300], name, mine, theirs))
    assert differ == []


def test_the_constants_are_those_of_the_models() -> None:
    kinds: dict[str, list[str]] = {}
    for name in EventFields.model_fields:
        kinds.setdefault(kind_of(name).name, []).append(name)
    texts = kinds["identifier"] + kinds["text"] + kinds["object"]
    assert sorted(texts) == sorted(event.TEXT_FIELDS)
    assert kinds["time"] == list(event.TIME_FIELDS)
    assert kinds["integer"] == list(event.INTEGER_FIELDS)
    assert kinds["boolean"] == list(event.BOOLEAN_FIELDS)
    ranges = {name: (kind_of(name).low, kind_of(name).high) for name in kinds["number"]}
    assert ranges == event.NUMBER_FIELDS


def test_there_is_one_model_for_each_type() -> None:
    types = [model.model_json_schema()["properties"]["event_type"] for model in EVENT_MODELS]
    assert tuple(rule["const"] for rule in types) == event.EVENT_TYPES
    assert tuple(NEEDS) == event.EVENT_TYPES


@pytest.mark.parametrize("event_type", event.EVENT_TYPES)
def test_what_is_required_is_what_the_constants_say(event_type: str) -> None:
    full = json.loads(make_text(event_type, user_id="u", form_name="n"))
    assert find_reject_reasons(full) == []
    groups = event.REQUIRED_ALWAYS + event.REQUIRED_BY_TYPE.get(event_type, ())
    for group in groups:
        rest = {name: value for name, value in full.items() if name not in group}
        assert find_reject_reasons(rest) == ["missing_field"], group
    needless = set(full) - {name for group in groups for name in group}
    kept = {name: value for name, value in full.items() if name not in needless}
    assert find_reject_reasons(kept) == []


@pytest.mark.parametrize("event_type", event.EVENT_TYPES)
def test_the_json_schema_requires_the_same(event_type: str) -> None:
    schema = make_json_schema()["$defs"]
    mine = next(
        rule for rule in schema.values()
        if rule["properties"].get("event_type", {}).get("const") == event_type
    )  # fmt: skip
    single = {group[0] for group in event.REQUIRED_BY_TYPE.get(event_type, ()) if len(group) == 1}
    either = [group for group in event.REQUIRED_BY_TYPE.get(event_type, ()) if len(group) > 1]
    assert set(mine["required"]) == {"event_type", *single}
    alternatives = [rule["required"][0] for rule in mine.get("anyOf", ())]
    assert alternatives == [name for group in either for name in group]
    always = {group[0] for group in event.REQUIRED_ALWAYS if len(group) == 1}
    assert set(schema["EventFields"]["required"]) == always


def test_every_field_has_a_description() -> None:
    assert [n for n, field in EventFields.model_fields.items() if not field.description] == []
    rules = make_json_schema()["$defs"]["EventFields"]["properties"]
    assert set(rules) == set(event.EVENT_FIELDS) - {"event_type"}


def test_unknown_fields_are_kept_and_events_are_frozen() -> None:
    model = validate_event({**json.loads(make_text()), "plan": {"a": 1}})
    assert model.model_extra == {"plan": {"a": 1}}
    with pytest.raises(ValidationError, match="frozen"):
        model.page_title = "x"  # type: ignore[misc]  # that it is refused is what is tested


def test_the_json_schema_is_current() -> None:
    assert _read("event.schema.json") == render_json_schema(), __doc__


def test_the_table_of_fields_is_current() -> None:
    assert render_field_table() in _read("events.md"), __doc__


def _read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def write_documents() -> None:
    """Write docs/event.schema.json, and the table of docs/events.md between its marks."""
    (DOCS / "event.schema.json").write_text(render_json_schema(), encoding="utf-8")
    parts: list[Any] = re.split(
        r"(<!-- fields -->\n).*?(<!-- end -->)", _read("events.md"), maxsplit=1, flags=re.S
    )
    page = "".join((parts[0], parts[1], render_field_table(), *parts[2:]))
    (DOCS / "events.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write_documents()
