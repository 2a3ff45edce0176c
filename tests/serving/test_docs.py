"""`/docs` and `/redoc`: whole without another host, and open to everybody as the dashboard is."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.routes.docs import ASSETS, FOLDER
from tests.serving.fakes import FakeReader, make_settings

PAGES = ("/docs", "/redoc")


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    """Nobody may read metrics without a key."""
    settings = make_settings(allow_anonymous=False, api_keys=("k",))
    with TestClient(create_app(settings, FakeReader())) as client:
        assert client.get("/pages").status_code == 401
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_page_and_all_it_loads_come_from_here(api: TestClient, path: str) -> None:
    page = api.get(path).text
    assert not re.search(r"https?:|[\"'(=]//", page)
    loaded = re.findall(r"""(?:src|href|url|spec-url)[=:] ?["']([^"']+)["']""", page)
    assert "/openapi.json" in loaded
    assert [url for url in loaded if url.startswith(ASSETS)]
    for url in loaded:
        assert api.get(url).status_code == 200, url


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_may_ask_no_other_host_and_run_no_other_script(
    api: TestClient, path: str
) -> None:
    page = api.get(path)
    written = page.headers["content-security-policy"].split("; ")
    policy = {name: set(sources) for name, *sources in map(str.split, written)}
    assert policy["default-src"] == {"'self'"}
    hashes = policy["script-src"] - {"'self'"}
    others = set().union(*(policy[name] for name in policy.keys() - {"script-src", "style-src"}))
    assert others == {"'self'", "'none'", "data:", "blob:"}
    assert policy["style-src"] == {"'self'", "'unsafe-inline'"}
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in inline]
    assert hashes == {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
    assert not re.search(r"\son\w+=|javascript:", page.text)


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.iterdir()))
def test_assets_obey_the_rules_of_the_dashboards(api: TestClient, name: str) -> None:
    asset, script = api.get(f"{ASSETS}/{name}"), api.get("/dashboard/app.js")
    rules = ("cache-control", "x-content-type-options", "content-security-policy")
    assert asset.status_code == 200
    assert [asset.headers[rule] for rule in rules] == [script.headers[rule] for rule in rules]
    again = api.get(f"{ASSETS}/{name}", headers={"If-None-Match": asset.headers["etag"]})
    assert again.status_code == 304


def test_nothing_else_is_served_from_there(api: TestClient) -> None:
    for path in ("", "/", "/../core.py", "/%2e%2e/core.py", "/nothing.js"):
        assert api.get(f"{ASSETS}{path}").status_code == 404, path
