"""While many queries wait, the answer of earlier versions is given, and says so."""

from __future__ import annotations

import re
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
from tests.serving.fakes import READY, FakeReader, make_cache, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}
TABLE = "gold.sessions"


@dataclass
class Crowded:
    """An API that has answered once, where one query runs now and two wait; Gold has had new rows
    since."""

    client: TestClient
    reader: FakeReader
    service: Service
    people: ThreadPoolExecutor
    first: httpx.Response
    others: list[Future[httpx.Response]]

    def ask(self, **headers: str) -> httpx.Response:
        return self.client.get("/sessions", params=RANGE, headers=headers)

    def ask_something_new(self) -> httpx.Response:
        return self.client.get("/sessions", params={**RANGE, "limit": 99})


def make_states(version: int) -> States:
    return {
        name: replace(state, version=version, said={"as_of": f"2015-05-{version:02}T12:00:00Z"})
        for name, state in READY.items()
    }


def crowd(
    client: TestClient, people: ThreadPoolExecutor, first_limit: int
) -> list[Future[httpx.Response]]:
    """Three questions at a time, all different."""
    limits = range(first_limit, first_limit + 3)
    return [people.submit(client.get, "/sessions", params={**RANGE, "limit": n}) for n in limits]


@contextmanager
def make_crowded(redis_url: str, earlier_s: float) -> Iterator[Crowded]:
    redis.Redis.from_url(redis_url).flushall()
    reader = FakeReader(make_states(20))
    cache = make_cache(redis_url, earlier_s=earlier_s)
    app = create_app(make_settings(cache=cache, max_concurrent_queries=1), reader)
    with TestClient(app) as client, ThreadPoolExecutor(5) as people:
        wait_until_ready(client)
        first = client.get("/sessions", params=RANGE)
        reader.may_answer.clear()
        asked = len(reader.statements)
        others = crowd(client, people, first_limit=3)
        service: Service = app.state.service
        wait_for(lambda: service.pool.is_crowded and len(reader.statements) > asked)
        reader.states = make_states(21)
        try:
            yield Crowded(client, reader, service, people, first, others)
        finally:
            reader.may_answer.set()


def test_the_earlier_answer_names_its_own_versions(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        answer = api.ask()
        meta, first = answer.json()["meta"], api.first.json()
        assert meta["versions"][TABLE] == 20
        assert meta == {**first["meta"], "cache": "hit"}
        assert answer.json()["data"] == first["data"]
        assert answer.headers["ETag"] == api.first.headers["ETag"]
        assert api.ask(**{"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert 'cache="earlier",endpoint="/sessions"} 2.0' in api.client.get("/metrics").text


def test_it_is_computed_anew_in_the_background_and_once(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        asked = len(api.reader.statements)
        for _ in range(3):
            assert api.ask().json()["meta"]["versions"][TABLE] == 20
        api.reader.may_answer.set()
        for other in api.others:
            assert other.result().json()["meta"]["versions"][TABLE] == 20
        wait_for(lambda: api.service.renewal.is_idle)
        answer = api.ask().json()["meta"]
        assert (answer["versions"][TABLE], answer["cache"]) == (21, "hit")
        assert len(api.reader.statements) == asked + 2 + 1, "those that waited, and one"


def test_renewing_does_not_stand_in_line(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        asked = len(api.reader.statements)
        assert api.ask().status_code == 200
        wait_for(lambda: len(api.reader.statements) == asked + 1)
        assert api.reader.statements[-1].args["limit"] not in range(3, 6)
        assert not any(other.done() for other in api.others), "the line moved"


@pytest.mark.parametrize(("earlier_s", "version"), [(600, 21), (0, 22)])
def test_who_asks_what_others_wait_for_waits_with_them(
    earlier_s: float, version: int, redis_url: str
) -> None:
    with make_crowded(redis_url, earlier_s) as api:
        missed = count_misses(api)
        waiting = api.people.submit(api.ask_something_new)
        wait_for(lambda: count_misses(api) == missed + 1)
        api.reader.states = make_states(22)
        joining = api.people.submit(api.ask_something_new)
        wait_for(lambda: count_misses(api) == missed + 2)
        api.reader.may_answer.set()
        found = [asked.result().json()["meta"] for asked in (waiting, joining)]
        assert [meta["versions"][TABLE] for meta in found] == [21, version]
        assert found[1]["cache"] == "miss"


def test_one_that_cannot_be_renewed_is_said_in_the_log(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        assert api.ask().json()["meta"]["versions"][TABLE] == 20
        api.reader.error = QueryFailed("Spark could not run the query.")
        api.reader.may_answer.set()
        wait_for(lambda: api.service.renewal.is_idle)
        assert api.ask().status_code == 500
        api.reader.error = None
        assert api.ask().json()["meta"]["versions"][TABLE] == 21


@pytest.mark.parametrize("earlier_s", [0, 1e-9])
def test_none_is_given_that_is_older_than_the_setting_says(
    earlier_s: float, redis_url: str
) -> None:
    with make_crowded(redis_url, earlier_s) as api:
        waiting = api.people.submit(api.ask)
        wait_for(lambda: 'cache="stale",endpoint="/sessions"} 1.0' in read_metrics(api))
        api.reader.may_answer.set()
        meta = waiting.result().json()["meta"]
        assert (meta["versions"][TABLE], meta["cache"]) == (21, "miss")


def test_none_is_given_about_one_person(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        api.reader.may_answer.set()
        assert api.client.get("/users/someone").status_code == 200
        api.reader.may_answer.clear()
        assert all(other.result().status_code == 200 for other in api.others)
        others = crowd(api.client, api.people, first_limit=13)
        wait_for(lambda: api.service.pool.is_crowded)
        api.reader.states = make_states(22)
        waiting = api.people.submit(api.client.get, "/users/someone")
        wait_for(lambda: 'cache="stale",endpoint="/users/{id}"} 1.0' in read_metrics(api))
        api.reader.may_answer.set()
        assert waiting.result().json()["meta"]["cache"] == "miss"
        assert all(other.result().status_code == 200 for other in others)


def test_none_is_given_while_no_line_is_long(redis_url: str) -> None:
    with make_crowded(redis_url, earlier_s=600) as api:
        api.reader.may_answer.set()
        assert all(other.result().status_code == 200 for other in api.others)
        meta = api.ask().json()["meta"]
        assert (meta["versions"][TABLE], meta["cache"]) == (21, "miss")


def read_metrics(api: Crowded) -> str:
    return api.client.get("/metrics").text


def count_misses(api: Crowded) -> float:
    found = re.search(r'cache="miss",endpoint="/sessions"} (\S+)', read_metrics(api))
    assert found
    return float(found[1])


def wait_for(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
