"""The dashboard's files: all there, of the right type, from here only, and fitting each other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.params import FILTERS
from serving.routes.dashboard import FOLDER
from tests.serving.fakes import FakeReader, make_settings

TYPES = {
    ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html",
    ".txt": "text/plain",
}  # fmt: skip
FILES = sorted(file for file in FOLDER.rglob("*") if file.is_file())
MODULES = [file for file in FILES if file.suffix == ".js"]
# What a page may say without loading it: the name of a language, and where to open the page.
NO_LINKS = re.compile(r"http://www\.w3\.org/2000/svg|http://localhost\b")


def show(file: Path) -> str:
    return str(file.relative_to(FOLDER))


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def list_imports(module: Path, pattern: str) -> set[Path]:
    found = re.findall(pattern, module.read_text(encoding="utf-8"))
    return {(module.parent / name).resolve() for name in found}


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with TestClient(create_app(make_settings(), FakeReader())) as client:
        yield client


@pytest.mark.parametrize("file", FILES, ids=show)
def test_every_file_is_served_with_its_type(api: TestClient, file: Path) -> None:
    answer = api.get(f"/dashboard/{show(file)}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == TYPES[file.suffix]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = api.get(f"/dashboard/{show(file)}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("file", FILES, ids=show)
def test_no_file_names_another_host(file: Path) -> None:
    text = NO_LINKS.sub("", file.read_text(encoding="utf-8"))
    assert not re.search(r"https?:|[\"'(]//", text)


def test_the_page_has_nothing_inline(api: TestClient) -> None:
    page = api.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page.text)
    for module in MODULES:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|style\.cssText",
            module.read_text(encoding="utf-8"),
        ), show(module)


def test_everything_that_is_loaded_is_there() -> None:
    linked = set(re.findall(r'(?:src|href)="/dashboard/([^"]+)"', read("index.html")))
    for module in MODULES:
        fetched = re.findall(r'fetch\("/dashboard/([^"]+)"', module.read_text(encoding="utf-8"))
        linked |= set(fetched)
        imported = list_imports(module, r'(?:from|import\() ?"(\.[^"]+)"')
        assert {file for file in imported if not file.is_file()} == set(), show(module)
    assert {name for name in linked if not (FOLDER / name).is_file()} == set()


def test_modules_are_announced_to_the_browser() -> None:
    """Else it learns of each only when it has read the one before."""
    reached, waiting = set(), {FOLDER / "app.js"}
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= list_imports(module, r'from "(\.[^"]+)"') - reached
    announced = re.findall(r'rel="modulepreload" href="/dashboard/([^"]+)"', read("index.html"))
    assert {show(file) for file in reached} == {"app.js", *announced}
    late = set((FOLDER / "sql").glob("*.js"))
    assert set(MODULES) - reached == {FOLDER / "early.js", *late}


def test_scripts_find_their_elements() -> None:
    known = set(re.findall(r'\sid="([\w-]+)"', read("index.html")))
    script = "\n".join(module.read_text(encoding="utf-8") for module in MODULES)
    wanted = set(re.findall(r'element\("([\w-]+)"\)', script))
    panels = set(re.findall(r'^ +id: "([\w-]+)"', script, flags=re.MULTILINE))
    assert len(wanted) > 20
    assert len(panels) > 8
    assert wanted | panels <= known


def test_filters_and_paths_are_those_of_the_api(api: TestClient) -> None:
    declared = re.search(r"FILTERS = \{(.*?)\}", read("state.js"), flags=re.DOTALL)
    assert declared
    names = set(re.findall(r"(\w+):", declared[1]))
    assert names == FILTERS.keys() - {"event_name"}
    known = set(api.get("/openapi.json").json()["paths"]) | {"/openapi.json"}
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        asked = set(re.findall(r'(?:ask|post)\("(/[^"]*)"', text))
        lists = re.findall(r"paths: \(\) => \[([^\]]+)\]|(?:VIEWS|SESSIONS) = \[([^\]]+)\]", text)
        asked |= {path for pair in lists for path in re.findall(r'"(/[^"]*)"', "".join(pair))}
        assert asked <= known, show(module)


def list_tabs(name: str, module: str) -> list[str]:
    declared = re.search(rf"const {name} = \[(.*?)\];", read(module), flags=re.DOTALL)
    assert declared
    return re.findall(r'\["(\w+)", "', declared[1])


@pytest.mark.parametrize(
    ("path", "name"), [("/traffic-sources", "ORIGINS"), ("/devices", "DEVICES")]
)
def test_tabs_are_what_rows_can_be_grouped_by(api: TestClient, path: str, name: str) -> None:
    tabs = list_tabs(name, "panels/lists.js")
    assert len(tabs) >= 3
    for tab in tabs:
        answer = api.get(path, params={"group_by": tab})
        assert (answer.status_code, tab in answer.json()["data"][0]) == (200, True)


@pytest.mark.parametrize("path", ["/views", "/sessions", "/pages", "/performance"])
def test_ranges_are_as_the_api_takes_them(api: TestClient, path: str) -> None:
    """As ranges.js makes them: days, and an hour without an offset, by the clock of the zone."""
    asked: dict[str, Any] = {"start": "2026-11-14", "end": "2026-11-20T13:00"}
    answer = api.get(path, params=asked | {"timezone": "Europe/Berlin"}).json()["meta"]
    assert (answer["start"], answer["end"]) == ("2026-11-13T23:00:00Z", "2026-11-20T12:00:00Z")


def test_a_package_has_the_page() -> None:
    project = tomllib.loads((FOLDER.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert "dashboard/**/*" in project["tool"]["setuptools"]["package-data"]["serving"]
