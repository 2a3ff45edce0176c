"""Key x scope x site x endpoint, over whatever routes the app has, so new ones are in it too.

A new route either is in PUBLIC or requires a scope; whoever lacks the scope, or asks for a site the
key may not see, is refused; and no statement of a limited key is without the filter on its sites.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.deps import RequireScope
from serving.keys import SCOPES, KeyList, Scope, make_key
from settings.model import LimitSettings
from tests.serving.fakes import FakePool, FakeReader, make_settings, wait_until_ready

NOW = datetime.now(UTC)
SUBSETS = [subset for count in range(1, len(SCOPES) + 1) for subset in combinations(SCOPES, count)]
SITES: tuple[tuple[str, ...] | None, ...] = (None, ("blog",), ("blog", "shop's"))
# What needs no key: documentation, operation and the dashboard's own page.
PUBLIC = {
    "/", "/docs", "/redoc", "/openapi.json",
    "/health", "/health/live", "/health/ready", "/metrics",
}  # fmt: skip
# What a path or a body must hold for a request to come as far as the question of the site.
NAMES = {"/funnels/{name}": "/funnels/purchase", "/reports/{name}": "/reports/weekly"}
STEPS = [{"name": path, "event_type": "page_view", "page_path": path} for path in ("/a", "/b")]
BODIES = {"/funnels": {"steps": STEPS}, "/query": {"sql": "SELECT 1"}}
WHOLE_HOURS = {"start": "2015-05-17", "end": "2015-05-21"}


@dataclass(frozen=True)
class Door:
    """One method of one path, and what it asks for."""

    method: str
    path: str
    scopes: frozenset[Scope]
    parameters: frozenset[str]

    @property
    def url(self) -> str:
        return NAMES.get(self.path) or re.sub(r"\{[^}]+\}", "x", self.path)


def list_doors() -> list[Door]:
    doors = []
    for route in iter_route_contexts(create_app(make_settings(), FakeReader()).routes):
        dependant = getattr(route, "dependant", None)
        for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD"}):
            doors.append(
                Door(
                    method,
                    route.path,
                    frozenset(find_scopes(dependant)) if dependant else frozenset(),
                    frozenset(find_parameters(dependant)) if dependant else frozenset(),
                )
            )
    return doors


def find_scopes(dependant: Dependant) -> Iterator[Scope]:
    if isinstance(dependant.call, RequireScope):
        yield dependant.call.scope
    for inner in dependant.dependencies:
        yield from find_scopes(inner)


def find_parameters(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        yield from getattr(model, "model_fields", {field.name: None})
    for inner in dependant.dependencies:
        yield from find_parameters(inner)


DOORS = list_doors()
CLOSED = [door for door in DOORS if door.path not in PUBLIC]
OF_SITES = [door for door in CLOSED if "site_id" in door.parameters]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, FakeReader, Any]]:
    """The API with a key for every set of scopes and sites, and a few that are over."""
    folder: Path = tmp_path_factory.mktemp("matrix")
    keys: dict[object, str] = {}
    records = []
    for scopes, sites in product(SUBSETS, SITES):
        record, keys[scopes, sites] = make_key("a", NOW, scopes=scopes, sites=sites)
        records.append(record)
    for name, over in (
        ("revoked", {"revoked_at": NOW}),
        ("expired", {"expires_at": NOW - timedelta(seconds=1)}),
    ):
        record, keys[name] = make_key(name, NOW, scopes=SCOPES)
        records.append(record.model_copy(update=over))
    keys["unknown"] = make_key("unknown", NOW, scopes=SCOPES)[1]
    (folder / "keys.json").write_text(KeyList(keys=tuple(records)).model_dump_json())
    limits = LimitSettings(failures_per_minute=100_000)
    settings = make_settings(allow_anonymous=False, limits=limits)
    settings = settings.model_copy(update={"data_dir": str(folder)})
    reader = FakeReader()
    app = create_app(settings, reader)
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.sql_pool = FakePool()
        wait_until_ready(client)
        yield client, reader, keys


def knock(client: TestClient, door: Door, key: str | None, **params: str) -> tuple[int, str]:
    headers = {} if key is None else {"X-API-Key": key}
    more = {name: value for name, value in params.items() if name in door.parameters}
    body = BODIES.get(door.path, {}) if door.method in ("POST", "PUT", "PATCH") else None
    response = client.request(door.method, door.url, params=more, headers=headers, json=body)
    error = response.json()["error"] if response.status_code in (401, 403) else {}
    assert not error or error.keys() == {"type", "message", "details"}
    return response.status_code, error.get("type", "")


def test_there_is_something_to_test() -> None:
    assert {"/pages", "/sessions"} <= {door.path for door in OF_SITES}


@pytest.mark.parametrize("door", CLOSED, ids=lambda door: f"{door.method} {door.path}")
def test_every_route_requires_a_scope(door: Door) -> None:
    assert door.scopes


@pytest.mark.parametrize("door", CLOSED, ids=lambda door: f"{door.method} {door.path}")
def test_without_a_valid_key_nobody_enters(world: Any, door: Door) -> None:
    client, _, keys = world
    for name in (None, "revoked", "expired", "unknown"):
        assert knock(client, door, keys.get(name), **WHOLE_HOURS) == (401, "unauthorized")


@pytest.mark.parametrize("door", CLOSED, ids=lambda door: f"{door.method} {door.path}")
def test_a_key_enters_where_its_scopes_say(world: Any, door: Door) -> None:
    client, _, keys = world
    for scopes, sites in product(SUBSETS, SITES):
        key = keys[scopes, sites]
        status, type_ = knock(client, door, key, **WHOLE_HOURS)
        if door.scopes <= set(scopes):
            assert status not in (401, 403), (scopes, sites)
        else:
            assert (status, type_) == (403, "forbidden"), (scopes, sites)


@pytest.mark.parametrize("door", OF_SITES, ids=lambda door: f"{door.method} {door.path}")
def test_a_key_sees_its_sites_alone(world: Any, door: Door) -> None:
    client, reader, keys = world
    scopes = tuple(scope for scope in SCOPES if scope in door.scopes)
    for sites in SITES:
        for wanted in ("blog", "shop's", "elsewhere"):
            found = knock(client, door, keys[scopes, sites], **WHOLE_HOURS, site_id=wanted)
            if sites is None or wanted in sites:
                assert found[0] not in (401, 403), (sites, wanted)
            else:
                assert found == (403, "forbidden"), (sites, wanted)


@pytest.mark.parametrize("door", OF_SITES, ids=lambda door: f"{door.method} {door.path}")
def test_no_statement_of_a_limited_key_is_without_its_sites(world: Any, door: Door) -> None:
    client, reader, keys = world
    scopes = tuple(scope for scope in SCOPES if scope in door.scopes)
    for sites in SITES:
        before = len(reader.statements)
        knock(client, door, keys[scopes, sites], **WHOLE_HOURS)
        for statement in reader.statements[before:]:
            bound = {value for name, value in statement.args.items() if name.startswith("site")}
            assert bound == set(sites or ())
            for read in statement.sql.split("FROM {")[1:]:
                assert ("site_id IN (:" in read) == (sites is not None)


def test_sql_of_a_limited_key_is_asked_of_its_sites_alone(world: Any) -> None:
    client, _, keys = world
    door = next(door for door in CLOSED if (door.method, door.path) == ("POST", "/query"))
    pool: FakePool = client.app.state.sql_pool
    for sites in SITES:
        assert knock(client, door, keys[("query",), sites]) == (200, "")
        assert pool.asked[-1].sites == sites


def test_a_revoked_key_is_refused_at_the_next_request(tmp_path: Path) -> None:
    record, key = make_key("a", NOW, scopes=["metrics"])
    file = tmp_path / "keys.json"
    file.write_text(KeyList(keys=(record,)).model_dump_json())
    settings = make_settings(allow_anonymous=False).model_copy(update={"data_dir": str(tmp_path)})
    door = next(door for door in OF_SITES if door.path == "/sessions")
    with TestClient(create_app(settings, FakeReader())) as client:
        assert knock(client, door, key)[0] == 200
        revoked = record.model_copy(update={"revoked_at": datetime.now(UTC)})
        draft = tmp_path / "draft"
        draft.write_text(KeyList(keys=(revoked,)).model_dump_json())
        draft.replace(file)
        assert knock(client, door, key)[0] == 401


def test_a_key_file_that_breaks_is_no_open_door_and_no_5xx_for_other_keys(tmp_path: Path) -> None:
    record, key = make_key("a", NOW, scopes=["metrics"])
    file = tmp_path / "keys.json"
    file.write_text(KeyList(keys=(record,)).model_dump_json())
    settings = make_settings(allow_anonymous=False, api_keys=("of the settings",))
    settings = settings.model_copy(update={"data_dir": str(tmp_path)})
    with TestClient(create_app(settings, FakeReader())) as client:
        file.write_text("{")
        response = client.get("/sessions", headers={"X-API-Key": key})
        assert response.status_code == 503
        assert response.json()["error"]["type"] == "not_ready"
        own = client.get("/sessions", headers={"X-API-Key": "of the settings"})
        assert own.status_code == 200


def test_require_scope_is_a_dependency_fastapi_can_read() -> None:
    assert "access" in inspect.signature(RequireScope("query")).parameters


def test_the_list_of_keys_shows_no_secret(world: Any) -> None:
    client, _, keys = world
    response = client.get("/keys", headers={"X-API-Key": keys[("admin",), None]})
    listed = response.json()["data"]
    assert len(listed) == len(SUBSETS) * len(SITES) + 2
    assert {row["state"] for row in listed} == {"valid", "revoked", "expired"}
    assert "sha256" not in response.text
    assert not any(key in response.text for key in keys.values())


def test_a_key_of_some_sites_is_shown_no_keys_of_others(world: Any) -> None:
    client, _, keys = world
    response = client.get("/keys", headers={"X-API-Key": keys[("admin",), ("blog",)]})
    assert [row["sites"] for row in response.json()["data"]] == [["blog"]] * len(SUBSETS)
