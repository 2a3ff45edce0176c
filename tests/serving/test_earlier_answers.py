"""While as many queries run as may, the answer of earlier versions is given, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import redis
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.deps import Service
from serving.errors import QueryFailed
from serving.gold_reader import States
from settings.model import CacheSettings
from tests.serving.fakes import READY, FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}
TABLE = "gold.sessions"


@dataclass
class Full:
    """An API that has answered once, whose only query now runs; Gold has had new rows since."""

    client: TestClient
    reader: FakeReader
    service: Service
    people: ThreadPoolExecutor
    first: httpx.Response
    other: Future[httpx.Response]

    def ask(self, **headers: str) -> httpx.Response:
        return self.client.get("/sessions", params=RANGE, headers=headers)


def make_states(version: int) -> States:
    return {
        name: replace(state, version=version, said={"as_of": f"2015-05-{version:02}T12:00:00Z"})
        for name, state in READY.items()
    }


@contextmanager
def fill(redis_url: str, earlier_s: float) -> Iterator[Full]:
    redis.Redis.from_url(redis_url).flushall()
    reader = FakeReader(make_states(20))
    settings = make_settings(max_concurrent_queries=1)
    cache = CacheSettings(redis_url=redis_url, earlier_s=earlier_s)
    serving = settings.serving.model_copy(update={"cache": cache})
    app = create_app(settings.model_copy(update={"serving": serving}), reader)
    with TestClient(app) as client, ThreadPoolExecutor(2) as people:
        wait_until_ready(client)
        first = client.get("/sessions", params=RANGE)
        reader.may_answer.clear()
        asked = len(reader.statements)
        other = people.submit(client.get, "/sessions", params={**RANGE, "limit": 3})
        service: Service = app.state.service
        wait_for(lambda: service.pool.is_full and len(reader.statements) > asked)
        reader.states = make_states(21)
        try:
            yield Full(client, reader, service, people, first, other)
        finally:
            reader.may_answer.set()


def test_the_earlier_answer_names_its_own_versions(redis_url: str) -> None:
    with fill(redis_url, earlier_s=600) as full:
        answer = full.ask()
        meta, first = answer.json()["meta"], full.first.json()
        assert meta["versions"][TABLE] == 20
        assert meta == {**first["meta"], "cache": "hit"}
        assert answer.json()["data"] == first["data"]
        assert answer.headers["ETag"] == full.first.headers["ETag"]
        assert full.ask(**{"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert 'cache="earlier",endpoint="/sessions"} 2.0' in full.client.get("/metrics").text


def test_it_is_computed_anew_in_the_background_and_once(redis_url: str) -> None:
    with fill(redis_url, earlier_s=600) as full:
        asked = len(full.reader.statements)
        for _ in range(3):
            assert full.ask().json()["meta"]["versions"][TABLE] == 20
        full.reader.may_answer.set()
        assert full.other.result().json()["meta"]["versions"][TABLE] == 20
        wait_for(lambda: full.service.renewal.is_free)
        answer = full.ask().json()["meta"]
        assert (answer["versions"][TABLE], answer["cache"]) == (21, "hit")
        assert len(full.reader.statements) == asked + 1


def test_one_that_cannot_be_renewed_is_said_in_the_log(redis_url: str) -> None:
    with fill(redis_url, earlier_s=600) as full:
        assert full.ask().json()["meta"]["versions"][TABLE] == 20
        full.reader.error = QueryFailed("Spark could not run the query.")
        full.reader.may_answer.set()
        wait_for(lambda: full.service.renewal.is_free)
        assert full.ask().status_code == 500
        full.reader.error = None
        assert full.ask().json()["meta"]["versions"][TABLE] == 21


@pytest.mark.parametrize("earlier_s", [0, 1e-9])
def test_none_is_given_that_is_older_than_the_setting_says(
    earlier_s: float, redis_url: str
) -> None:
    with fill(redis_url, earlier_s) as full:
        waiting = full.people.submit(full.ask)
        wait_for(lambda: 'cache="stale",endpoint="/sessions"} 1.0' in read_metrics(full))
        full.reader.may_answer.set()
        meta = waiting.result().json()["meta"]
        assert (meta["versions"][TABLE], meta["cache"]) == (21, "miss")


def test_none_is_given_about_one_person(redis_url: str) -> None:
    with fill(redis_url, earlier_s=600) as full:
        full.reader.may_answer.set()
        assert full.client.get("/users/someone").status_code == 200
        full.reader.may_answer.clear()
        other = full.people.submit(full.client.get, "/sessions", params={**RANGE, "limit": 4})
        wait_for(lambda: full.service.pool.is_full)
        full.reader.states = make_states(22)
        waiting = full.people.submit(full.client.get, "/users/someone")
        wait_for(lambda: 'cache="stale",endpoint="/users/{id}"} 1.0' in read_metrics(full))
        full.reader.may_answer.set()
        assert waiting.result().json()["meta"]["cache"] == "miss"
        assert other.result().status_code == 200


def test_none_is_given_while_queries_may_run(redis_url: str) -> None:
    with fill(redis_url, earlier_s=600) as full:
        full.reader.may_answer.set()
        full.other.result()
        meta = full.ask().json()["meta"]
        assert (meta["versions"][TABLE], meta["cache"]) == (21, "miss")


def read_metrics(full: Full) -> str:
    return full.client.get("/metrics").text


def wait_for(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
