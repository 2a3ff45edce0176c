"""`/reports`: the endpoints' own numbers, in three forms, for whoever may see them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.delta_log import TableState
from serving.reports.definitions import Report
from serving.reports.periods import resolve_period
from serving.reports.rows import Span, make_part
from tests.serving.fakes import READY, FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-18", "end": "2015-05-20"}
MINE = Report.model_validate(
    {
        "title": "Mine",
        "sections": (
            {"title": "All", "endpoint": "/sessions"},
            {"title": "Days", "endpoint": "/sessions", "interval": "day", "columns": ("bounces",)},
            {
                "title": "Channels",
                "endpoint": "/traffic-sources",
                "group_by": ("channel",),
                "filters": {"device_type": "mobile"},
            },
            {"title": "Pages", "endpoint": "/pages", "limit": 2, "columns": ("page_views",)},
        ),
    }
)


@pytest.fixture
def fake_reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def fake_api(fake_reader: FakeReader) -> Iterator[TestClient]:
    settings = make_settings().model_copy(update={"timezones": {"shop": "Europe/Berlin"}})
    with TestClient(create_app(settings, fake_reader)) as client:
        wait_until_ready(client)
        yield client


@pytest.fixture
def mine(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The API over the lake, with a report of our own."""
    monkeypatch.setattr(api.app.state.service, "reports", {"mine": MINE})  # type: ignore[attr-defined]  # Starlette's own type has no state
    return api


def test_sections_are_what_the_endpoints_answer(mine: TestClient) -> None:
    common = {**RANGE, "site_id": "blog", "timezone": "Europe/Berlin"}
    body = mine.get("/reports/mine", params=common).json()
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/sessions", {}),
        ("/sessions", {"interval": "day"}),
        ("/traffic-sources", {"group_by": "channel", "device_type": "mobile"}),
        ("/pages", {"limit": 2}),
    ]
    assert len(body["data"]) == len(asked)
    for section, (path, params) in zip(body["data"], asked, strict=True):
        own = mine.get(path, params={**common, **params, "compare": "previous"}).json()
        assert section["rows"]
        names = [column["name"] for column in section["columns"]]
        wanted = {*section["keys"], *names, *(f"{name}_previous" for name in names)}
        wanted |= {f"{name}_change" for name in names}
        assert section["rows"] == [
            {name: value for name, value in row.items() if name in wanted} for row in own["data"]
        ]
        assert set(section["rows"][0]) == wanted
        assert body["meta"]["versions"].items() >= own["meta"]["versions"].items()
        for name in ("start", "end", "compare", "timezone", "complete_until"):
            assert body["meta"][name] == own["meta"][name]
    assert body["meta"]["report"] == "mine"


def test_a_report_is_listed(fake_api: TestClient) -> None:
    listed = fake_api.get("/reports").json()["data"]
    assert [row["name"] for row in listed] == ["acquisition", "monthly", "performance", "weekly"]
    weekly = listed[-1]
    assert weekly["period"] == "last_week"
    assert weekly["sections"][:2] == ["In short", "Day by day"]


def test_an_unknown_name_is_told_those_there_are(fake_api: TestClient) -> None:
    response = fake_api.get("/reports/weakly")
    assert response.status_code == 404
    error = response.json()["error"]
    assert error["type"] == "not_found"
    assert "allowed: acquisition, monthly, performance, weekly." in error["message"]
    assert "Did you mean 'weekly'?" in error["message"]


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"interval": "day"}, "interval"),
        ({"format": "pdf"}, "format"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"start": "2015-05-18", "end": "2015-05-17"}, "start"),
        ({"start": "2015-05-18", "end": "2017-05-17"}, "start"),
    ],
)
def test_wrong_parameters_are_named(
    fake_api: TestClient, params: dict[str, str], parameter: str
) -> None:
    response = fake_api.get("/reports/weekly", params=params)
    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["parameter"] == parameter


@pytest.mark.parametrize(
    ("params", "timezone"),
    [
        ({}, None),
        ({"site_id": "shop"}, "Europe/Berlin"),
        ({"timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
    ],
)
def test_the_period_is_that_of_the_report_in_the_zone_of_the_site(
    fake_api: TestClient, params: dict[str, str], timezone: str | None
) -> None:
    def resolve() -> list[str]:
        period, previous = resolve_period("last_month", datetime.now(UTC), timezone)
        return [time.isoformat().replace("+00:00", "Z") for time in (*period, *previous)]

    possible = [resolve()]
    meta = fake_api.get("/reports/monthly", params=params).json()["meta"]
    possible.append(resolve())
    found = [meta["start"], meta["end"], meta["compare"]["start"], meta["compare"]["end"]]
    assert found in possible
    assert meta.get("timezone") == timezone


def test_the_31st_is_not_compared_with_a_day_that_was_not() -> None:
    def at(month: int) -> datetime:
        return datetime(2026, month, 1, tzinfo=UTC)

    span = Span((at(3), at(4)), (at(2), at(3)), None)
    rows = [
        {
            "bucket": f"2026-03-{day}T00:00:00Z",
            "bounces": 3,
            "bounces_previous": 0,
            "bounces_change": None,
        }
        for day in (28, 29)
    ]
    part = make_part(MINE.sections[1], ("bucket",), rows, span)
    assert [row["bounces_previous"] for row in part.rows] == [0, None]
    assert [row["bounces"] for row in part.rows] == [3, 3]


def test_csv_is_one_long_table(fake_api: TestClient) -> None:
    body = fake_api.get("/reports/weekly", params=RANGE).json()
    response = fake_api.get("/reports/weekly", params={**RANGE, "format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="weekly.csv"' in response.headers["content-disposition"]
    assert json.loads(response.headers["x-meta"])["report"] == "weekly"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert list(rows[0]) == ["section", "row", "metric", "unit", "value", "previous", "change"]
    assert len(rows) == sum(len(section["columns"]) for section in body["data"])
    pages = next(section for section in body["data"] if section["title"] == "Top pages")
    found = {row["metric"]: row for row in rows if row["section"] == "Top pages"}
    for column in pages["columns"]:
        name, (row,) = column["name"], pages["rows"]
        assert found[name]["value"] == str(row[name])
        assert found[name]["previous"] == str(row[f"{name}_previous"])
        assert found[name]["change"] == str(row[f"{name}_change"])
        assert found[name]["row"] == str(row["page_path"])


def test_a_browser_gets_a_page_that_may_do_nothing(fake_api: TestClient) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    response = fake_api.get("/reports/weekly", params=RANGE, headers=accept)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.startswith("<!doctype html>")
    assert "18 May 2015 – 19 May 2015</strong> compared with 16 May 2015 – 17" in response.text
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    json_body = fake_api.get("/reports/weekly", params=RANGE, headers={"Accept": "*/*"})
    assert json_body.headers["content-type"] == "application/json"


def test_who_has_it_is_told_so_without_computing(
    fake_api: TestClient, fake_reader: FakeReader
) -> None:
    def ask(etag: str = "", **params: str) -> Any:
        headers = {"If-None-Match": etag}
        return fake_api.get("/reports/weekly", params={**RANGE, **params}, headers=headers)

    etag = ask().headers["etag"]
    asked = len(fake_reader.statements)
    assert ask(etag).status_code == 304
    assert len(fake_reader.statements) == asked
    for other in ({"format": "html"}, {"site_id": "shop"}, {"end": "2015-05-21"}):
        assert ask(etag, **other).status_code == 200
    fake_reader.states = {**READY, "gold.geo": TableState(4, "next")}
    assert ask(etag).status_code == 200


def test_an_empty_range_is_a_report_without_rows(
    fake_api: TestClient, fake_reader: FakeReader
) -> None:
    asked = len(fake_reader.statements)
    empty = {"start": "2015-05-17", "end": "2015-05-17"}
    body = fake_api.get("/reports/weekly", params=empty).json()
    assert [section["rows"] for section in body["data"]] == [[]] * len(body["data"])
    page = fake_api.get("/reports/weekly", params={**empty, "format": "html"}).text
    assert page.count("Nothing was counted") == len(body["data"])
    assert len(fake_reader.statements) == asked
