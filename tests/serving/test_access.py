"""Who may read: keys, the dashboard's cookie on this machine, and nobody by oversight."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.access import DASHBOARD_COOKIE
from serving.app import create_app
from serving.deps import UnsafeSettings
from serving.keys import KeyList, make_key
from tests.serving.fakes import FakeReader, make_settings, wait_until_ready

KEYS = ("first-key", "second-key")
LOOPBACK = ("127.0.0.1", 50000)
ELSEWHERE = ("192.0.2.7", 50000)


def open_api(
    client: tuple[str, int] = LOOPBACK, url: str = "http://localhost:8002", **serving: Any
) -> TestClient:
    settings = make_settings(**{"allow_anonymous": False, "api_keys": KEYS, **serving})
    app = create_app(settings, FakeReader())
    return TestClient(app, base_url=url, client=client)


@pytest.mark.parametrize("key", KEYS)
def test_a_known_key_may_read(key: str) -> None:
    with open_api() as api:
        assert api.get("/sessions", headers={"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("key", [None, "", "second-ke", "SECOND-KEY", b"\xff", "x" * 5000])
@pytest.mark.parametrize("path", ["/sessions", "/pages", "/pages?limit=nonsense"])
def test_nobody_else_may(path: str, key: str | bytes | None) -> None:
    with open_api() as api:
        response = api.get(path, headers=[] if key is None else [("X-API-Key", key)])
        assert response.status_code == 401
        assert response.json()["error"]["type"] == "unauthorized"
        assert not any(known in response.text for known in KEYS)


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/metrics", "/health", "/health/live", "/health/ready"]
)
def test_what_needs_no_key(path: str) -> None:
    with open_api() as api:
        wait_until_ready(api)
        assert api.get(path).status_code == 200


def test_anonymous_reading_must_be_asked_for() -> None:
    with pytest.raises(UnsafeSettings, match="ALLOW_ANONYMOUS"):
        open_api(api_keys=())
    for key in ("", "schlüssel"):
        with pytest.raises(UnsafeSettings, match="ASCII"):
            open_api(api_keys=(key,))
    with open_api(api_keys=(), allow_anonymous=True) as api:
        assert api.get("/sessions").status_code == 200


def test_a_key_of_the_key_file_is_enough_to_start(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    record, key = make_key("a", now, scopes=["metrics"])
    over = record.model_copy(update={"revoked_at": now})
    file = tmp_path / "keys.json"
    for content in (KeyList(keys=(over,)).model_dump_json(), "{", ""):
        file.write_text(content)
        with pytest.raises(UnsafeSettings, match=r"keys\.json"):
            open_api(api_keys=(), keys_file=str(file))
    file.write_text(KeyList(keys=(record,)).model_dump_json())
    with open_api(api_keys=(), keys_file=str(file)) as api:
        assert api.get("/sessions", headers={"X-API-Key": key}).status_code == 200
        assert api.get("/sessions").status_code == 401


@pytest.mark.parametrize("url", ["http://localhost:8002", "http://127.0.0.1:8002", "http://[::1]"])
def test_the_dashboard_on_this_machine_may_read(url: str) -> None:
    with open_api(url=url, local_dashboard=True) as api:
        assert api.get("/sessions").status_code == 401
        cookie = api.get("/").headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert not any(key in cookie for key in KEYS)
        token = cookie.split("=")[1].split(";")[0]
        headers = {"Cookie": f"{DASHBOARD_COOKIE}={token}"}
        assert api.get("/sessions", headers=headers).status_code == 200
        assert api.get("/keys", headers=headers).status_code == 403
        wrong = {"Cookie": f"{DASHBOARD_COOKIE}={token[:-1]}"}
        api.cookies.clear()
        assert api.get("/sessions", headers=wrong).status_code == 401


@pytest.mark.parametrize(
    ("client", "url", "headers", "is_local"),
    [
        (ELSEWHERE, "http://localhost:8002", {}, True),
        (LOOPBACK, "http://evil.example:8002", {}, True),
        (LOOPBACK, "http://localhost.evil.example", {}, True),
        (LOOPBACK, "http://localhost:8002", {"X-Forwarded-For": "192.0.2.7"}, True),
        (LOOPBACK, "http://localhost:8002", {"Forwarded": "for=192.0.2.7"}, True),
        (LOOPBACK, "http://localhost:8002", {}, False),
    ],
)
def test_nobody_else_gets_the_cookie_or_may_use_it(
    client: tuple[str, int], url: str, headers: dict[str, str], is_local: bool
) -> None:
    with open_api(local_dashboard=True) as own:
        own.get("/")
        token = own.cookies[DASHBOARD_COOKIE]
    with open_api(client, url, local_dashboard=is_local) as api:
        assert "set-cookie" not in api.get("/", headers=headers).headers
        stolen = {**headers, "Cookie": f"{DASHBOARD_COOKIE}={token}"}
        assert api.get("/sessions", headers=stolen).status_code == 401
