"""The forms of an answer: CSV with its guard, ETags, 304 without computing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.delta_log import TableState
from serving.forms import choose_form, is_known, write_csv
from tests.serving.fakes import READY, FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def api(reader: FakeReader) -> Iterator[TestClient]:
    with TestClient(create_app(make_settings(), reader)) as client:
        wait_until_ready(client)
        yield client


@pytest.mark.parametrize(
    ("asked", "accept", "expected"),
    [
        (None, "", "json"),
        (None, "*/*", "json"),
        (None, "text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        (None, "text/csv", "csv"),
        (None, "text/csv, */*;q=0.1", "csv"),
        (None, "application/json, text/csv", "json"),
        (None, "application/json;q=0.5, Text/CSV;q=0.9", "csv"),
        (None, "text/csv;q=0", "json"),
        (None, "text/csv;q=x", "json"),
        ("json", "text/csv", "json"),
        ("csv", "application/json", "csv"),
    ],
)
def test_which_form_is_meant(asked: str | None, accept: str, expected: str) -> None:
    assert choose_form(asked, accept) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/csv;q=0.9, text/html;q=0.8", "csv"),
        ("*/*", "json"),
    ],
)
def test_a_page_may_be_offered_too(accept: str, expected: str) -> None:
    assert choose_form(None, accept, ("json", "csv", "html")) == expected


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("/a=1", "/a=1"),
        (-1.5, "-1.5"),
        (None, ""),
        (True, "true"),
        ('say "x", \r\ny', 'say "x", \r\ny'),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_cells(value: object, cell: str) -> None:
    text = write_csv(["first", "second"], [{"first": value, "second": 1}])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["first", "second"], [cell, "1"]]


@pytest.mark.parametrize(
    "how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}]
)
def test_csv_has_the_same_rows(api: TestClient, how: dict[str, dict[str, str]]) -> None:
    body = api.get("/pages", params=RANGE).json()
    response = api.get(
        "/pages", params={**RANGE, **how.get("params", {})}, headers=how.get("headers")
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="pages.csv"' in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert rows == [{name: str(value) for name, value in row.items()} for row in body["data"]]
    meta = json.loads(response.headers["x-meta"])
    for volatile in ("generated_at", "cache"):
        meta.pop(volatile), body["meta"].pop(volatile)
    assert meta == body["meta"]


def test_csv_of_nothing_has_its_header(api: TestClient) -> None:
    empty = {"start": "2015-05-17", "end": "2015-05-17", "format": "csv"}
    header = api.get("/pages", params=empty).text
    assert header.startswith("page_path,page_views,unique_visitors")
    assert header.count("\r\n") == 1


def test_errors_are_json_whatever_was_asked_for(api: TestClient) -> None:
    response = api.get("/pages", params={"limit": 0, "format": "csv"})
    assert response.json()["error"]["type"] == "invalid_parameter"
    response = api.get("/pages", params={"format": "xml"})
    assert response.json()["error"]["details"][0]["allowed"] == "Input should be 'json' or 'csv'"


def ask(api: TestClient, etag: str = "", **params: Any) -> Any:
    headers = {"If-None-Match": etag} if etag else {}
    return api.get("/sessions", params={**RANGE, **params}, headers=headers)


def test_who_has_the_answer_is_told_so_without_computing(
    api: TestClient, reader: FakeReader
) -> None:
    etag = ask(api).headers["etag"]
    asked = len(reader.statements)
    for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        response = ask(api, known)
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == etag
    assert len(reader.statements) == asked
    assert ask(api, '"x"').status_code == 200


@pytest.mark.parametrize("known", ["*", "the answer's own"])
def test_a_post_is_answered_whole_whatever_is_known(api: TestClient, known: str) -> None:
    steps = [{"name": path, "event_type": "page_view", "page_path": path} for path in ("/a", "/b")]
    ask_funnel = partial(api.post, "/funnels", params=RANGE, json={"steps": steps})
    first = ask_funnel()
    again = ask_funnel(headers={"If-None-Match": "*" if known == "*" else first.headers["etag"]})
    assert (again.status_code, again.json()["data"]) == (200, first.json()["data"])
    operation = api.get("/openapi.json").json()["paths"]["/funnels"]["post"]
    assert "304" not in operation["responses"]
    assert "If-None-Match" not in {parameter["name"] for parameter in operation["parameters"]}


def test_an_etag_is_of_one_question_form_and_version(api: TestClient, reader: FakeReader) -> None:
    etags = {
        ask(api).headers["etag"],
        ask(api, limit=5).headers["etag"],
        ask(api, site_id="blog").headers["etag"],
        ask(api, format="csv").headers["etag"],
        ask(api, interval="day").headers["etag"],
        ask(api, interval="day", timezone="Europe/Berlin").headers["etag"],
        ask(api, compare="previous").headers["etag"],
        ask(api, end="2015-05-17").headers["etag"],
        api.get("/pages", params=RANGE).headers["etag"],
    }
    assert len(etags) == 9
    assert ask(api).headers["etag"] in etags
    reader.states = {**READY, "gold.sessions": TableState(4, "next")}
    assert ask(api).headers["etag"] not in etags
    said = {"as_of": "2015-05-20T13:00:00Z"}
    reader.states = {**READY, "gold.pages": TableState(4, "next", said=said)}
    assert ask(api).headers["etag"] not in etags  # the rows are the same, `as_of` is not


def test_answers_may_be_kept_by_nobody_else(api: TestClient) -> None:
    headers = ask(api).headers
    assert headers["cache-control"] == "private, no-cache"
    assert {"Accept", "X-API-Key"} <= set(headers["vary"].split(", "))


def test_a_star_is_every_etag() -> None:
    assert is_known('W/"a"', " * ")
    assert not is_known('W/"a"', "")


def test_the_document_says_all_forms(api: TestClient) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    with_format = [
        (method, operation)
        for path in paths.values()
        for method, operation in path.items()
        if any(parameter["name"] == "format" for parameter in operation.get("parameters", ()))
    ]
    assert len(with_format) > 2
    for method, operation in with_format:
        assert "text/csv" in operation["responses"]["200"]["content"]
        assert ("304" in operation["responses"]) == (method == "get")
