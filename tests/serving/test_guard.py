"""Around the app: headers on every answer, caps on every request, an audit line without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.keys import KeyList, make_key
from settings.logs import configure_logging
from settings.model import LimitSettings, LogSettings, Settings
from tests.serving.fakes import FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}
SECRET = "the-secret-key-of-the-settings"


def open_api(
    reader: FakeReader | None = None, limits: dict[str, Any] | None = None, **serving: Any
) -> TestClient:
    settings = make_settings(limits=LimitSettings.model_validate(limits or {}), **serving)
    return TestClient(create_app(settings, reader or FakeReader()), raise_server_exceptions=False)


def assert_error(response: Any, status: int, type_: str) -> None:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.keys() == {"type", "message", "details"}
    assert error["type"] == type_


def assert_headers(response: Any) -> None:
    headers = response.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200), ("GET", "/docs", 200), ("GET", "/openapi.json", 200),
        ("GET", "/dashboard/app.js", 200), ("GET", "/metrics", 200), ("GET", "/health", 200),
        ("GET", "/sessions", 200), ("GET", "/nothing", 404), ("POST", "/pages", 405),
        ("GET", "/pages?limit=0", 422),
    ],
)  # fmt: skip
def test_headers_are_on_every_answer(method: str, path: str, status: int) -> None:
    with open_api() as api:
        response = api.request(method, path)
        assert response.status_code == status
        assert_headers(response)


def test_headers_are_on_errors_that_nobody_expected() -> None:
    with open_api(FakeReader(error=OSError("secret"))) as api:
        response = api.get("/sessions", params=RANGE)
        assert_error(response, 500, "internal")
        assert_headers(response)


def test_headers_are_on_refusals() -> None:
    with open_api(allow_anonymous=False, api_keys=("k",)) as api:
        assert_headers(api.get("/sessions"))
        assert_headers(api.get("/sessions?" + "x" * 40_000))


def test_browsers_are_told_of_tls_where_there_is_tls() -> None:
    with open_api(behind_tls=True) as api:
        assert "max-age" in api.get("/nothing").headers["strict-transport-security"]


def test_no_page_of_another_origin_reads_unless_named() -> None:
    origin = {"Origin": "https://board.example"}
    ask_first = {**origin, "Access-Control-Request-Method": "GET"}
    with open_api() as api:
        assert "access-control-allow-origin" not in api.get("/sessions", headers=origin).headers
        assert api.options("/sessions", headers=ask_first).status_code == 405
    with open_api(cors_origins=("https://board.example",)) as api:
        response = api.get("/sessions", headers=origin)
        assert response.headers["access-control-allow-origin"] == "https://board.example"
        assert "access-control-allow-credentials" not in response.headers
        ask_first["Access-Control-Request-Headers"] = "X-API-Key"
        assert api.options("/sessions", headers=ask_first).status_code == 200
        other = api.get("/sessions", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_a_body_may_not_be_large() -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    with open_api(limits={"max_body_bytes": 1024}) as api:
        add_echo(api)
        assert api.post("/echo", content=b"1" * 1024).status_code == 200
        assert_error(api.post("/echo", content=b"1" * 1025), 413, "body_too_large")
        assert_error(api.post("/echo", content=pieces()), 413, "body_too_large")
        assert_error(
            api.post("/echo", headers={"Content-Length": "-1"}, content=b""), 413, "body_too_large"
        )


def add_echo(api: TestClient) -> None:
    async def echo(body: dict[str, Any] | int) -> int:
        return len(str(body))

    api.app.add_api_route("/echo", echo, methods=["POST"])  # type: ignore[attr-defined]


def test_a_query_string_may_not_be_long() -> None:
    with open_api(limits={"max_query_string_bytes": 1024}) as api:
        assert api.get("/pages?page_path=" + "x" * 1014).status_code == 200
        assert_error(api.get("/pages?page_path=" + "x" * 1015), 414, "query_string_too_long")


def test_one_request_too_many_is_told_to_come_back() -> None:
    reader = FakeReader()
    with open_api(reader, {"max_concurrent_requests": 1}) as api:
        wait_until_ready(api)
        while reader.asked.acquire(blocking=False):
            pass  # of the warm-up
        reader.may_answer.clear()
        answers: list[Any] = []
        first = threading.Thread(target=lambda: answers.append(api.get("/sessions", params=RANGE)))
        first.start()
        assert reader.asked.acquire(timeout=30)
        second = api.get("/pages", params=RANGE)
        assert_error(second, 503, "busy")
        assert int(second.headers["Retry-After"]) >= 1
        assert api.get("/health/live").status_code == 200
        reader.may_answer.set()
        first.join()
        assert answers[0].status_code == 200
        assert api.get("/pages", params=RANGE).status_code == 200


def test_a_request_ends_in_time_even_if_its_query_does_not() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with open_api(limits={"request_timeout_s": 0.05}, query_timeout_s=0.01) as api:
        guard = api.app.middleware_stack  # type: ignore[attr-defined]
        assert guard._timeout_s > 0.05  # a query's own time limit comes first
        guard._timeout_s = 0.05
        api.app.add_api_route("/wait", wait)  # type: ignore[attr-defined]
        response = api.get("/wait")
        assert_error(response, 504, "request_timeout")
        assert_headers(response)


@pytest.mark.usefixtures("restored_logging")
def test_every_request_is_logged_once_and_no_secret_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Settings(log=LogSettings(format="json")))
    # The client of these tests tells every URL it asks for; it is no part of the API.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    record, key = make_key("a", datetime.now(UTC), scopes=["metrics"])
    other = make_key("b", datetime.now(UTC), scopes=["metrics"])[1]
    file = tmp_path / "keys.json"
    file.write_text(KeyList(keys=(record,)).model_dump_json())
    reader = FakeReader()
    serving = {"allow_anonymous": False, "api_keys": (SECRET,), "keys_file": str(file)}
    with open_api(reader, redis_url=f"redis://:{SECRET}@127.0.0.1:1/0", **serving) as api:
        wait_until_ready(api)
        for secret in (key, other, SECRET):
            headers = {"X-API-Key": secret}
            api.get("/sessions", params=RANGE, headers=headers)
            api.get("/sessions", params={"site_id": secret, "x": secret}, headers=headers)
            api.get(f"/{secret}", headers=headers)
            api.get("/sessions", headers={"Authorization": secret, "Cookie": f"a={secret}"})
            api.post("/pages", headers=headers, json={"key": secret})
        reader.error = OSError("broken")
        api.get("/sessions", params={"start": "2015-05-18"}, headers={"X-API-Key": key})
        file.write_text('{"keys": "' + key + '"}')
        api.get("/sessions", params=RANGE, headers={"X-API-Key": key})
    written = capsys.readouterr()
    for secret in (key, other, SECRET):
        for part in (secret, secret[-20:]):
            assert part not in written.err
            assert part not in written.out
    lines = [json.loads(line) for line in written.err.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request" and line["level"] == "info"]
    assert len(requests) == 3 * 5 + 2
    first = requests[0]
    assert (first["key"], first["method"], first["path"]) == (record.id, "GET", "/sessions")
    assert first["status"] == 200
    assert first["ms"] >= 0
    assert {line["key"] for line in requests} == {record.id, "settings-1", None}
    assert {line["path"] for line in requests} == {"/sessions", "/pages", "(none)"}
    refused = [line for line in requests if line["status"] == 401]
    assert all(line["address"] == "testclient" for line in refused)
    changes = [line for line in lines if line["event"].startswith("key")]
    assert [line["event"] for line in changes] == ["key_known", "keys_unreadable"]
