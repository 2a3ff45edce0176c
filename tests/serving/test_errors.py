"""One shape for every error, with the right status."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving import errors
from serving.app import create_app
from serving.delta_log import TableState
from serving.errors import STATUS, NotReady, QueryFailed, ServingError
from tests.serving.fakes import FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}


def open_api(reader: FakeReader) -> TestClient:
    app = create_app(make_settings(), reader)
    return TestClient(app, raise_server_exceptions=False)


def assert_shape(response: Any, status: int, type_: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body = response.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"type", "message", "details"}
    assert error["type"] == type_
    assert error["message"]
    assert "Traceback" not in response.text
    return error


def test_every_error_has_a_status() -> None:
    known = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, ServingError)
    }
    assert known - {ServingError} == STATUS.keys()


def test_unknown_paths_and_methods() -> None:
    with open_api(FakeReader()) as api:
        assert_shape(api.get("/nothing"), 404, "not_found")
        assert_shape(api.get("/dashboard/nothing.js"), 404, "not_found")
        assert_shape(api.get("/dashboard/..%2f..%2fapp.py"), 404, "not_found")
        response = api.post("/pages")
        assert_shape(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/pages", "/sessions", "/devices"])
@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("limit", "0", "greater than or equal to 1"),
        ("limit", "10001", "less than or equal to 10000"),
        ("limit", "ten", "valid integer"),
        ("offset", "-1", "greater than or equal to 0"),
        ("start", "soon", "2015-05-17"),
        ("interval", "minute", "'hour', 'day', 'week' or 'month'"),
        ("include_bots", "perhaps", "valid boolean"),
        ("site_id", "", "at least 1 character"),
        ("pagepath", "/x", "page_views" and "site_id"),
    ],
)
def test_wrong_parameters_are_named(path: str, name: str, given: str, allowed: str) -> None:
    with open_api(FakeReader()) as api:
        error = assert_shape(api.get(path, params={name: given}), 422, "invalid_parameter")
    detail = error["details"][0]
    assert (detail["parameter"], detail["given"]) == (name, given)
    assert allowed in detail["allowed"]
    assert name in error["message"]
    assert allowed in error["message"]


def test_a_parameter_is_given_once_unless_it_is_a_list() -> None:
    with open_api(FakeReader()) as api:
        for path in ("/pages", "/users", "/reports/weekly"):
            response = api.get(f"{path}?site_id=blog&site_id=shop")
            (detail,) = assert_shape(response, 422, "invalid_parameter")["details"]
            assert detail == {"parameter": "site_id", "given": "2 times", "allowed": "once"}
        assert api.get("/devices?group_by=os&group_by=browser").status_code == 200


@pytest.mark.parametrize(
    ("path", "given", "allowed"),
    [
        ("/devices", "country", "device_type, browser, os"),
        ("/traffic-sources", "channel,sauce", "channel, source, medium, campaign"),
        ("/geo", "", "country, city"),
        ("/performance", "url", "metric, page_path"),
    ],
)
def test_a_wrong_group_by_says_what_there_is(path: str, given: str, allowed: str) -> None:
    with open_api(FakeReader()) as api:
        error = assert_shape(api.get(path, params={"group_by": given}), 422, "invalid_parameter")
        assert error["details"] == [
            {
                "parameter": "group_by",
                "given": given,
                "allowed": f"one or more of {allowed}, comma-separated or repeated",
            }
        ]
        assert api.get("/pages?group_by=page_path").status_code == 422


def test_impossible_ranges_are_named() -> None:
    with open_api(FakeReader()) as api:
        response = api.get("/pages", params={"start": "2015-05-17", "end": "2017-05-17"})
        error = assert_shape(response, 422, "invalid_parameter")
        assert "400 days" in error["details"][0]["allowed"]


def test_filters_that_events_do_not_have_are_refused_on_pages() -> None:
    with open_api(FakeReader()) as api:
        error = assert_shape(api.get("/pages?channel=Direct"), 422, "invalid_parameter")
        assert "page_path" in error["details"][0]["allowed"]
        assert api.get("/sessions?channel=Direct").status_code == 200


def test_several_wrong_parameters_are_all_named() -> None:
    with open_api(FakeReader()) as api:
        error = assert_shape(api.get("/pages?limit=0&offset=x"), 422, "invalid_parameter")
        assert {detail["parameter"] for detail in error["details"]} == {"limit", "offset"}


@pytest.mark.parametrize("body", [b'{"sql": "\xff"}', b"[" * 100_000])
def test_a_body_that_cannot_be_read(body: bytes) -> None:
    with open_api(FakeReader()) as api:
        for path in ("/query", "/funnels"):
            response = api.post(path, content=body, headers={"Content-Type": "application/json"})
            assert_shape(response, 400, "unreadable_body")


def test_not_ready_says_when_to_come_back_and_recovers() -> None:
    reader = FakeReader({"gold.pages": TableState(0, "x")})
    with open_api(reader) as api:
        for path in ("/pages", "/sessions", "/health/ready"):
            response = api.get(path, params=RANGE if "health" not in path else {})
            assert_shape(response, 503, "not_ready")
            assert int(response.headers["Retry-After"]) >= 1
        reader.states = FakeReader().states
        assert api.get("/pages", params=RANGE).status_code == 200
        wait_until_ready(api)
        assert api.get("/health/ready").json() == {"status": "ready"}


def test_unreadable_lake() -> None:
    reader = FakeReader()
    reader.states_error = NotReady("the lake cannot be read now: PermissionError")
    with open_api(reader) as api:
        assert_shape(api.get("/pages"), 503, "not_ready")


@pytest.mark.parametrize(
    "error", [QueryFailed("Spark could not run the query."), OSError("secret")]
)
def test_what_goes_wrong_inside_stays_inside(error: Exception) -> None:
    with open_api(FakeReader(error=error)) as api:
        response = api.get("/pages", params=RANGE)
        assert_shape(response, 500, "internal")
        assert "secret" not in response.text
