"""`POST /query` and `GET /query/schema` over HTTP; the statements themselves run in other tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.errors import QueryTimeout, SqlRefused
from serving.gold_reader import GoldReader
from serving.sql.tables import READABLE
from tests.serving.fakes import FakePool, FakeReader, make_settings
from tests.serving.test_errors import assert_shape


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def api(pool: FakePool) -> Iterator[TestClient]:
    app = create_app(make_settings(), FakeReader())
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.sql_pool = pool
        yield client


def test_an_answer_has_rows_and_columns(api: TestClient, pool: FakePool) -> None:
    response = api.post("/query", json={"sql": "SELECT 1", "limit": 2})
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["data"] == [{"x": 1, "x_2": "a"}, {"x": 2, "x_2": None}]
    assert body["columns"] == [{"name": "x", "type": "int"}, {"name": "x", "type": "string"}]
    assert body["rows"] == [[1, "a"], [2, None]]
    assert body["truncated"] is True
    assert body["meta"]["versions"] == {"gold.pages": 3, "silver.page_views": 3}
    assert body["meta"]["elapsed_ms"] == 12
    assert body["meta"]["generated_at"].endswith("Z")
    assert (pool.asked[0].sql, pool.asked[0].limit) == ("SELECT 1", 2)
    assert pool.asked[0].sites is None


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "sql"),
        ({"sql": ""}, "sql"),
        ({"sql": 1}, "sql"),
        ({"sql": "SELECT 1", "limit": 0}, "limit"),
        ({"sql": "SELECT 1", "limit": 10_001}, "limit"),
        ({"sql": "SELECT 1", "more": 1}, "more"),
    ],
)
def test_wrong_bodies_are_named(
    api: TestClient, pool: FakePool, body: dict[str, Any], parameter: str
) -> None:
    error = assert_shape(api.post("/query", json=body), 422, "invalid_parameter")
    assert error["details"][0]["parameter"] == parameter
    assert pool.asked == []


def test_refusals_have_the_shape_of_every_error(api: TestClient, pool: FakePool) -> None:
    pool.error = SqlRefused("no", [{"construct": "function", "line": 1, "column": 8}])
    response = api.post("/query", json={"sql": "SELECT reflect()"})
    error = assert_shape(response, 422, "sql_refused")
    assert error["details"] == [{"construct": "function", "line": 1, "column": 8}]
    assert 'sql_statements_total{outcome="SqlRefused"} 1' in api.get("/metrics").text
    pool.error = QueryTimeout("too long")
    assert_shape(api.post("/query", json={"sql": "SELECT 1"}), 504, "query_timeout")


def test_nothing_to_ask_yet(pool: FakePool) -> None:
    app = create_app(make_settings(), FakeReader({}))
    with TestClient(app) as client:
        app.state.sql_pool = pool
        for response in (
            client.post("/query", json={"sql": "SELECT 1"}),
            client.get("/query/schema"),
        ):
            assert_shape(response, 503, "not_ready")
            assert int(response.headers["Retry-After"]) >= 1


def test_a_key_is_needed() -> None:
    app = create_app(make_settings(allow_anonymous=False, api_keys=("k",)), FakeReader())
    with TestClient(app) as client:
        assert_shape(client.post("/query", json={"sql": "SELECT 1"}), 401, "unauthorized")
        assert_shape(client.get("/query/schema"), 401, "unauthorized")


def test_the_schema_says_what_everything_means(reader: GoldReader, pool: FakePool) -> None:
    app = create_app(make_settings(), reader)
    with TestClient(app) as client:
        app.state.sql_pool = pool
        body = client.get("/query/schema").json()
    tables = {table["name"]: table for table in body["data"]}
    assert tables.keys() == READABLE.keys()
    for table in tables.values():
        assert table["help"]
        assert all(column["help"] for column in table["columns"]), table["name"]
    pages = {column["name"]: column for column in tables["gold.pages"]["columns"]}
    assert pages["page_views"]["type"] == "bigint"
    assert pages["bucket"]["type"] == "timestamp"
    metrics = {metric["name"]: metric["sql"] for metric in tables["gold.pages"]["metrics"]}
    assert metrics["page_views"] == "sum(page_views)"
    assert tables["silver.events"]["metrics"] == []
    assert body["meta"]["versions"]["gold.pages"] == 0
