"""Health, metrics and documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from embedded.ports import find_free_port
from schemas.gold import SESSION_GRAIN
from schemas.gold.conversions import CONVERSIONS
from schemas.gold.devices import DEVICE_SESSIONS, DEVICES
from serving.app import create_app
from serving.delta_log import TableState
from serving.errors import NotReady
from serving.freshness import find_as_of, find_complete_until
from serving.routes.health import FRESHNESS_WARNING_S
from tests.serving.fakes import READY, FakeReader, make_settings


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def api(reader: FakeReader) -> Iterator[TestClient]:
    with TestClient(create_app(make_settings(), reader)) as client:
        yield client


def look(api: TestClient) -> tuple[str, dict[str, Any]]:
    response = api.get("/health")
    assert response.status_code == 200
    body = response.json()
    for check in body["checks"]:
        assert check.keys() == {"name", "status", "value", "threshold"}
    return body["status"], {check["name"]: check for check in body["checks"]}


def say_as_of(reader: FakeReader, as_of: str) -> None:
    reader.states = {**READY, "gold.pages": TableState(4, "y", said={"as_of": as_of})}


def test_fresh_data_is_healthy(api: TestClient, reader: FakeReader) -> None:
    say_as_of(reader, datetime.now(UTC).isoformat())
    status, checks = look(api)
    assert status == "HEALTHY"
    assert checks.keys() == {"lake", "tables", "freshness_s", "redis"}
    assert checks["freshness_s"]["value"] < FRESHNESS_WARNING_S


@pytest.mark.parametrize(
    "as_of",
    [(datetime.now(UTC) - timedelta(seconds=FRESHNESS_WARNING_S + 60)).isoformat(), "nonsense"],
    ids=["old", "nonsense"],  # the same for all workers
)
def test_old_data_is_a_warning(api: TestClient, reader: FakeReader, as_of: str) -> None:
    say_as_of(reader, as_of)
    status, checks = look(api)
    assert (status, checks["freshness_s"]["status"]) == ("WARNING", "WARNING")


def test_missing_tables_are_critical(api: TestClient, reader: FakeReader) -> None:
    reader.states = {}
    status, checks = look(api)
    assert (status, checks["tables"]["status"]) == ("CRITICAL", "CRITICAL")
    assert checks["tables"]["value"] == 0


def test_unreadable_lake_is_critical(api: TestClient, reader: FakeReader) -> None:
    reader.states_error = NotReady("the lake cannot be read now: PermissionError")
    status, checks = look(api)
    assert (status, checks["lake"]["status"]) == ("CRITICAL", "CRITICAL")
    assert api.get("/health/live").json() == {"status": "live"}


def test_redis(reader: FakeReader, redis_url: str) -> None:
    say_as_of(reader, datetime.now(UTC).isoformat())
    for url, expected in (
        (redis_url, "HEALTHY"),
        (f"redis://127.0.0.1:{find_free_port()}/0", "WARNING"),
    ):
        with TestClient(create_app(make_settings(url), reader)) as client:
            status, checks = look(client)
            assert (status, checks["redis"]["status"]) == (expected, expected)


def test_metrics_count_what_the_cache_did(api: TestClient) -> None:
    assert api.get("/pages?start=2015-05-17&end=2015-05-21").status_code == 200
    text = api.get("/metrics").text
    pattern = r'web_analytics_cache_answers_total\{cache="bypass",endpoint="/pages"\} [1-9]'
    assert re.search(pattern, text)
    assert 'web_analytics_query_seconds_count{endpoint="/pages"}' in text
    assert re.search(r'http_requests_total\{handler="/pages",method="GET",status="2xx"\} 1', text)


def test_documentation_names_every_column_and_parameter(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    pages = document["paths"]["/pages"]["get"]
    names = {parameter["name"] for parameter in pages["parameters"]}
    assert {"start", "end", "site_id", "include_bots", "interval", "page_path"} <= names
    assert "channel" not in names
    assert {"200", "401", "422", "503", "504"} <= pages["responses"].keys()
    row = document["components"]["schemas"]["PagesRow"]["properties"]
    assert all(column.get("description") for name, column in row.items() if name != "bucket")
    assert list(row)[:3] == ["bucket", "page_path", "page_views"]


def test_data_is_in_where_all_tables_of_events_have_it() -> None:
    times = {"gold.pages": "12:00:00", "gold.devices": "11:00:00", "gold.conversions": "11:30:00"}
    states = {
        name: TableState(1, "x", said={"as_of": f"2015-05-20T{time}+00:00"})
        for name, time in times.items()
    }
    assert find_as_of(states) == datetime(2015, 5, 20, 12, tzinfo=UTC)
    both = (CONVERSIONS, DEVICES)
    assert find_as_of(states, both) == datetime(2015, 5, 20, 11, tzinfo=UTC)
    assert find_as_of(states, (DEVICES, DEVICE_SESSIONS)) == find_as_of(states, both)
    assert find_as_of(states, SESSION_GRAIN) == find_as_of(states)
    assert find_as_of({"gold.pages": states["gold.pages"]}, both) is None


def test_sessions_are_complete_where_all_their_tables_are() -> None:
    said = {table.name: "2015-05-20T13:00:00+00:00" for table in SESSION_GRAIN} | {
        "gold.sessions": "2015-05-20T12:00:00.5+00:00",
        "gold.entry_pages": "2015-05-20T12:00:00+00:00",
        "gold.exit_pages": "2015-05-20T14:00:00+02:00",
    }
    said = {table.name: "2015-05-20T12:00:00+00:00" for table in SESSION_GRAIN} | said
    states = {name: TableState(1, "x", said={"complete_until": at}) for name, at in said.items()}
    assert find_complete_until(states) == datetime(2015, 5, 20, 12, tzinfo=UTC)
    for name in said:
        for other in ({}, {"complete_until": "soon"}, {"complete_until": "2015-05-20T12:00:00"}):
            assert find_complete_until({**states, name: TableState(1, "x", said=other)}) is None
        assert find_complete_until({k: v for k, v in states.items() if k != name}) is None
