"""Personal data: what is found and what is left alone, over a file of cases and over drawn text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pyspark.sql import Row, SparkSession

from schemas.privacy import SCANNED_COLUMNS, PiiKind, PrivacyRules
from streaming.enrichment.privacy import redact_events
from streaming.url import path_of, strip_url

_FILE = Path(__file__).with_name("pii_cases.txt")
_DDL = ", ".join(f"{name} string" for name in SCANNED_COLUMNS)
_IN_JSON = "json "


class Case(NamedTuple):
    """A line of the file; `column` is where the text stands."""

    column: str
    text: str
    expected: str
    kinds: list[str]


def _read_cases() -> Iterator[Case]:
    kinds: list[str] = []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kinds = [] if line == "## nothing" else line[3:].split()
        elif line and not line.startswith("# "):
            text, _, expected = line.partition(" => ")
            column = "page_url" if text.startswith("http") else "page_title"
            if text.startswith(_IN_JSON):
                text, expected = text.removeprefix(_IN_JSON), expected.removeprefix(_IN_JSON)
                column = "properties"
            yield Case(column, text, expected or text, kinds)


CASES = list(_read_cases())


def _redact(
    spark: SparkSession, events: list[dict[str, str]], rules: PrivacyRules | None = None
) -> list[Row]:
    rows = [tuple(event.get(name) for name in SCANNED_COLUMNS) for event in events]
    return redact_events(spark.createDataFrame(rows, _DDL), rules).collect()


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    """All cases in one job, in their order."""
    return _redact(spark, [{case.column: case.text} for case in CASES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].text)
def test_a_text_is_redacted_as_the_file_says(number: int, rows: list[Row]) -> None:
    case, row = CASES[number], rows[number]
    assert row[case.column] == case.expected
    assert row.pii_flags == case.kinds


def test_the_file_has_cases_of_every_kind_and_of_none() -> None:
    counted = {kind: sum(case.kinds == [kind] for case in CASES) for kind in PiiKind}
    assert min(counted.values()) >= 20
    assert sum(not case.kinds for case in CASES) >= 80


def test_redacting_again_changes_nothing(spark: SparkSession, rows: list[Row]) -> None:
    once = [{case.column: row[case.column]} for case, row in zip(CASES, rows, strict=True)]
    for event, row in zip(once, _redact(spark, once), strict=True):
        assert {name: row[name] for name in event} == event
        assert row.pii_flags == []


def test_properties_stay_json(rows: list[Row]) -> None:
    cases = zip(CASES, rows, strict=True)
    kept = [json.loads(row.properties) for case, row in cases if case.column == "properties"]
    assert kept


def test_every_text_of_an_event_is_looked_at(spark: SparkSession) -> None:
    text = "user@example.com"
    event = dict.fromkeys(SCANNED_COLUMNS, text) | {"properties": json.dumps({"a": text})}
    [row] = _redact(spark, [event])
    assert [row[name] for name in SCANNED_COLUMNS[:-1]] == ["[email]"] * (len(SCANNED_COLUMNS) - 1)
    assert json.loads(row.properties) == {"a": "[email]"}


def test_kinds_of_several_texts_are_sorted_and_named_once(spark: SparkSession) -> None:
    event = {
        "page_title": "+12025550143 user@example.com",
        "element_text": "user@example.com",
        "referrer": "https://a.example/?token=abc",
    }
    [row, empty] = _redact(spark, [event, {}])
    assert row.pii_flags == ["email", "phone", "secret"]
    assert empty.asDict() == dict.fromkeys(SCANNED_COLUMNS) | {"pii_flags": []}


def test_the_path_comes_from_the_redacted_url(spark: SparkSession) -> None:
    url = "https://shop.example/users/user%40example.com/a%?width=100%"
    frame = spark.createDataFrame([(url, *(None,) * (len(SCANNED_COLUMNS) - 1))], _DDL)
    path = path_of("stripped")
    [row] = (
        redact_events(frame)
        .selectExpr(f"{strip_url('page_url')} AS stripped")
        .selectExpr(f"{path} AS page_path")
        .collect()
    )
    assert row.page_path == "/users/[email]/a%"


def test_a_site_names_its_own_secrets_and_keeps_its_own_names(spark: SparkSession) -> None:
    rules = PrivacyRules(keep_parameters=("sid", "page_*"), secret_parameters=("voucher", "x-*"))
    urls = {
        "https://a.example/?sid=1234&page_token=b": "https://a.example/?sid=1234&page_token=b",
        "https://a.example/?voucher=abc&x-y=d": "https://a.example/?voucher=[secret]&x-y=[secret]",
        "https://a.example/?token=abc&x=1": "https://a.example/?token=[secret]&x=1",
        "https://a.example/?sid=user@example.com": "https://a.example/?sid=[email]",
    }
    rows = _redact(spark, [{"page_url": url} for url in urls], rules)
    assert [row.page_url for row in rows] == list(urls.values())


def test_every_name_of_a_secret_passes_the_cheap_look(spark: SparkSession) -> None:
    keys = [f"{first}{gap}key" for first in _KEYS for gap in ("", "_", "-", ".")]
    names = [*_NAMES, *keys, "session_id", "session-id", "session.id", "sessionid"]
    names += [name + more for name in names for more in ("1", "_confirm", "confirmation")]
    names += [f"x_{name}" for name in _NAMES[:18]] + [name.upper() for name in names]
    forms = ("?{}=abc", "?a=1&u[{}]=abc", "?to=%3F{}%3Dabc", "?to=%253F{}%253Dabc")
    urls = [f"/a{form.format(name)}" for name in names for form in forms]
    found = [row.page_url for row in _redact(spark, [{"page_url": url} for url in urls])]
    assert [url for url in found if not url.endswith("[secret]")] == []
    members = _redact(spark, [{"properties": json.dumps({name: "abc"})} for name in names])
    assert [row.properties for row in members if '": "[secret]"' not in row.properties] == []


def test_a_name_that_is_a_pattern_is_refused() -> None:
    with pytest.raises(ValidationError):
        PrivacyRules(secret_parameters=("a|b",))


_KEYS = ("api", "access", "secret", "private", "auth", "session", "signing", "encryption")
# Any prefix suits the first 18; the rest must be the whole name.
_NAMES = (
    "token", "secret", "passwd", "password", "passwort", "passphrase", "sessid", "credential",
    "credentials", "signature", "jwt", "pwd", "otp", "cvv", "cvv2", "cvc", "csrf", "authorization",
    "pass", "pin", "sid", "connect.sid", "sig", "auth", "bearer", "xsrf", "cvc2",
)  # fmt: skip


# A megabyte of what makes a careless expression run for hours or out of stack. The events of one
# test are one job: it ends, or the test never does.
_MEGABYTE = 1_000_000
_EVIL = (
    "a@", "@", "a.", "a@a.", "@a.b", "a", "1", "1 ", "1-", "12-", "123-", "+1 ", "+1", "(1", "41",
    "4111111111111111 ", "4111-", "%", "%40", "%2540", "%3Da", "%C3%BC", "a%2B", "\\", "\\n", '"',
    '\\"', '":', '{"a":', '{"token":"', '"token":"a",', '\\"token\\":\\"', "token=", "&token=a",
    "?a=", "&", "%26token%3Da", "=", "eyJ", "eyJaaaaaaaa.", "sk_live_", "-----BEGIN ", "bearer ",
    "bearer aaaaaaaaaaaaaaaa", "password: ", "password: a", "://", "://a@", "tel:", "phone ",
    "phone 1234567", "[card]", "0", "012 ", "06 12 ", "é", "😀", "sid", "_", "AKIA", "xoxb-",
)  # fmt: skip


def test_a_megabyte_of_anything_comes_to_an_end(spark: SparkSession) -> None:
    texts = [piece * (_MEGABYTE // len(piece)) for piece in _EVIL]
    rows = _redact(spark, [{"page_url": "http://" + text} for text in texts])
    rows += _redact(spark, [{"properties": text + "@example.com!"} for text in texts])
    assert len(rows) == 2 * len(_EVIL)
    assert all(len(row.page_url or row.properties) > 0 for row in rows)


# Letters and marks without a digit, an at sign or the start of a secret: nothing to find.
_HARMLESS = st.text(
    st.characters(exclude_categories=("Cs", "Nd"), exclude_characters="@=:%\x00"), max_size=60
).filter(lambda text: not any(word in text.lower() for word in ("bearer", "private", "eyj")))
_PIECES = [case.text for case in CASES if case.column != "properties"]
_GLUE = ["", " ", "&", "/", "-", ".", ",", "=", "?", "%20", "+", "\\", "(", ")", "[", "]", "x", "1"]
_MIXED = st.lists(st.sampled_from(_PIECES + _GLUE * 20), min_size=2, max_size=7).map("".join)
_MANY = settings(
    max_examples=8,
    deadline=None,  # one example is a Spark job
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


@_MANY
@given(texts=st.lists(_HARMLESS, min_size=50, max_size=200))
def test_text_without_personal_data_is_unchanged(spark: SparkSession, texts: list[str]) -> None:
    rows = _redact(spark, [{"page_title": text, "element_text": text} for text in texts])
    assert [row.page_title for row in rows] == texts
    assert [row.element_text for row in rows] == texts
    assert all(row.pii_flags == [] for row in rows)


@_MANY
@given(texts=st.lists(_MIXED, min_size=50, max_size=200))
def test_anything_redacted_once_is_redacted(spark: SparkSession, texts: list[str]) -> None:
    once = [row.page_title for row in _redact(spark, [{"page_title": text} for text in texts])]
    twice = [row.page_title for row in _redact(spark, [{"page_title": text} for text in once])]
    assert twice == once


@_MANY
@given(texts=st.lists(_MIXED, min_size=50, max_size=200))
def test_json_with_anything_in_it_stays_json(spark: SparkSession, texts: list[str]) -> None:
    sent = [
        json.dumps({"a": first, "b": [4111111111111111, second], second: {"c": 1.5}})
        for first, second in pairwise(texts)
    ]
    rows = _redact(spark, [{"properties": text} for text in sent])
    for row in rows:
        assert json.loads(row.properties)["b"][0] == "[card]"
