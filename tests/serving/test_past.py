"""`as_of` and `versions`: which versions are read, what is refused, and what the cache does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from schemas.history import Floor
from serving.app import create_app
from serving.commit_times import Commits
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS
from serving.errors import VersionGone
from tests.serving.fakes import (
    COMMITS,
    DAY_MS,
    READY,
    FakeReader,
    make_settings,
    wait_until_ready,
)

RANGE = {"start": "2015-05-17", "end": "2015-05-19"}
THIRD = "2015-05-19T12:00:00Z"  # when version 2 was committed
JOURNEYS = (
    "/users",
    "/users/visitor-1",
    "/funnels/purchase",
    "/retention",
    "/lifecycle",
    "/paths",
    "/attribution",
)
PATHS = (*(endpoint.path for endpoint in ENDPOINTS), *JOURNEYS)


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def api(reader: FakeReader) -> Iterator[TestClient]:
    app = create_app(make_settings(), reader)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def ask(api: TestClient, path: str, **params: str) -> Any:
    response = api.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()["meta"]


def ask_refused(api: TestClient, path: str = "/sessions", **params: str) -> dict[str, str]:
    response = api.get(path, params=params)
    assert response.status_code == 422, response.text
    error = response.json()["error"]
    assert error["type"] == "invalid_parameter"
    (detail,) = error["details"]
    assert all(detail[name] in error["message"] for name in ("parameter", "given", "allowed"))
    return detail  # type: ignore[no-any-return]  # JSON


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_can_be_asked_as_of_a_time(api: TestClient, path: str) -> None:
    more = {} if path == "/realtime" else RANGE
    assert set(ask(api, path, **more)["versions"].values()) == {3}
    for moment, version in ((THIRD, 2), ("2015-05-19T11:59:59.999Z", 1), ("2015-05-20T12", 3)):
        versions = ask(api, path, **more, as_of=moment)["versions"]
        assert versions
        assert set(versions.values()) == {version}


def test_an_ad_hoc_funnel_too(api: TestClient) -> None:
    steps = {"steps": [{"page_path": "/a"}, {"page_path": "/b"}]}
    response = api.post("/funnels", params={**RANGE, "as_of": THIRD}, json=steps)
    assert response.json()["meta"]["versions"] == {"silver.events": 2}


def test_defaults_are_counted_from_the_time(api: TestClient) -> None:
    meta = ask(api, "/sessions", as_of="2015-05-19T12:20:00Z")
    assert (meta["start"], meta["end"]) == ("2015-05-12T13:00:00Z", "2015-05-19T13:00:00Z")
    meta = ask(api, "/realtime", as_of="2015-05-19T12:20:30Z")
    assert (meta["start"], meta["end"]) == ("2015-05-19T11:51:00Z", "2015-05-19T12:21:00Z")


def test_a_time_without_an_offset_is_one_of_the_zone(api: TestClient) -> None:
    def find(as_of: str) -> Any:
        meta = ask(api, "/sessions", **RANGE, as_of=as_of, timezone="Europe/Berlin")
        return meta["versions"]["gold.sessions"]

    assert (find("2015-05-19T13:59"), find("2015-05-19T14:00")) == (1, 2)


def test_versions_of_an_answer_repeat_it(api: TestClient) -> None:
    wanted = ask(api, "/pages", **RANGE, as_of=THIRD)["versions"]
    named = ",".join(f"{name}:{version}" for name, version in wanted.items())
    assert ask(api, "/pages", **RANGE, versions=named)["versions"] == wanted
    mixed = ask(api, "/pages", **RANGE, versions="gold.pages:0", as_of=THIRD)["versions"]
    assert mixed == {**wanted, "gold.pages": 0}


def test_the_etag_is_that_of_the_versions(api: TestClient) -> None:
    def etag(**params: str) -> str:
        return api.get("/sessions", params={**RANGE, **params}).headers["etag"]

    assert etag(as_of=THIRD) == etag(versions="gold.sessions:2") != etag(as_of="2015-05-18T12:00Z")
    assert etag(as_of=THIRD) != etag()
    known = api.get(
        "/sessions", params={**RANGE, "as_of": THIRD}, headers={"If-None-Match": etag(as_of=THIRD)}
    )
    assert known.status_code == 304


def test_the_future_is_refused(api: TestClient) -> None:
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    detail = ask_refused(api, as_of=later)
    assert (detail["parameter"], detail["given"]) == ("as_of", later.replace("+00:00", "Z"))
    assert detail["allowed"].startswith("a time up to now (")


def test_before_the_first_commit_is_refused(api: TestClient) -> None:
    detail = ask_refused(api, "/pages", **RANGE, as_of="2015-05-17T11:59:59Z")
    assert detail == {
        "parameter": "as_of",
        "given": "2015-05-17T11:59:59Z",
        "allowed": "a time from 2015-05-17T12:00:00Z on: gold.pages is no older",
    }


def test_what_the_log_has_lost_is_refused(api: TestClient, reader: FakeReader) -> None:
    reader.commits = Commits(1, COMMITS.times[1:], 2)
    assert "cleaned up" in ask_refused(api, **RANGE, as_of="2015-05-18T12:00:00Z")["allowed"]
    detail = ask_refused(api, **RANGE, versions="gold.sessions:1")
    assert detail["allowed"] == "gold.sessions:2 to gold.sessions:3"
    assert ask(api, "/sessions", **RANGE, as_of=THIRD)["versions"] == {"gold.sessions": 2}
    reader.commits = Commits(3, COMMITS.times[3:], None)
    assert ask_refused(api, **RANGE, as_of=THIRD)["allowed"].startswith("a time from 2015-05-20")
    assert ask(api, "/sessions", **RANGE, as_of="2015-05-21")["versions"] == {"gold.sessions": 3}


@pytest.mark.parametrize(("reason", "said"), [("erased", "erased"), ("cleaned", "cleaned up")])
def test_nothing_below_a_floor_is_read(
    api: TestClient, reader: FakeReader, reason: Any, said: str
) -> None:
    reader.floors = {"gold.exit_pages": Floor(2, reason)}
    detail = ask_refused(api, "/pages", **RANGE, as_of="2015-05-18T12:00:00Z")
    assert "gold.exit_pages" in detail["allowed"]
    assert said in detail["allowed"]
    assert "2015-05-19T12:00:00Z" in detail["allowed"]
    ask(api, "/pages", **RANGE, as_of=THIRD)
    # An answer that does not read the table is none of its business.
    ask(api, "/sessions", **RANGE, as_of="2015-05-18T12:00:00Z")


@pytest.mark.parametrize(
    ("path", "given", "allowed"),
    [
        ("/sessions", "gold.sessions:4", "gold.sessions:0 to gold.sessions:3"),
        ("/sessions", "gold.sessions:1,gold.pages:1", "what this answer reads: gold.sessions"),
        ("/pages", "gold.pages:1", "a version of gold.entry_pages too"),
        ("/sessions", "gold.sessions", "`table:version`"),
        ("/sessions", "gold.sessions:-1", "`table:version`"),
        ("/sessions", "gold.sessions:1,gold.sessions:2", "each table once"),
        ("/sessions", "bronze.events:1", "gold.pages, "),
    ],
)
def test_impossible_versions_are_refused(
    api: TestClient, path: str, given: str, allowed: str
) -> None:
    detail = ask_refused(api, path, **RANGE, versions=given)
    assert detail["parameter"] == "versions"
    assert allowed in detail["allowed"]


def test_deleted_files_are_no_fault_of_the_server(api: TestClient, reader: FakeReader) -> None:
    wait_until_ready(api)
    reader.error = VersionGone("Spark could not run the query.")
    assert "deleted" in ask_refused(api, **RANGE, as_of=THIRD)["allowed"]
    assert ask_refused(api, **RANGE, versions="gold.sessions:1")["parameter"] == "versions"
    assert api.get("/sessions", params=RANGE).status_code == 500


def test_a_table_that_is_not_there_is_refused(api: TestClient, reader: FakeReader) -> None:
    reader.states = {"gold.pages": READY["gold.pages"]}
    assert "gold.sessions" in ask_refused(api, **RANGE, as_of=THIRD)["allowed"]


def test_past_answers_are_kept_beside_the_present_one(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    reader = FakeReader()
    with TestClient(create_app(make_settings(redis_url), reader)) as api:

        def look(**params: str) -> Any:
            return ask(api, "/sessions", **RANGE, **params)["cache"]

        assert [look(), look()] == ["miss", "hit"]
        assert [look(as_of=THIRD), look(as_of=THIRD)] == ["miss", "hit"]
        assert look(versions="gold.sessions:2") == "hit"
        assert look(as_of="2015-05-18T12:00:00Z") == "miss"
        assert [look(), look(as_of=THIRD)] == ["hit", "hit"]
        # A new version takes the place of the present answer alone.
        reader.states = {**READY, "gold.sessions": TableState(4, "next")}
        reader.commits = Commits(0, (*COMMITS.times, COMMITS.times[-1] + DAY_MS), 0)
        assert [look(), look(), look(as_of=THIRD)] == ["miss", "hit", "hit"]
        # What was erased since is not given from the cache either.
        reader.floors = {"gold.sessions": Floor(3, "erased")}
        assert "erased" in ask_refused(api, **RANGE, as_of=THIRD)["allowed"]
    client.close()
