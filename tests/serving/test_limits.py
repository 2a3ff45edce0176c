"""Rate limits at their edge, whatever becomes of Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from embedded.ports import find_free_port
from serving.app import create_app
from serving.keys import KeyList, make_key
from serving.limits import WINDOW_S, LocalCounts
from settings.model import CacheSettings, LimitSettings
from tests.serving.broken_redis import BEHAVIOURS, serve
from tests.serving.fakes import FakeReader, make_cache, make_settings

LIMIT = 100
RANGE = {"start": "2015-05-17", "end": "2015-05-21"}


def open_api(folder: Path, cache: CacheSettings, **limits: int) -> tuple[TestClient, str]:
    """The API, and a key of its key file; the same key for the same folder."""
    file, kept = folder / "keys.json", folder / "key.txt"
    if not file.exists():
        record, key = make_key(
            "a", datetime.now(UTC), scopes=["metrics"], requests_per_minute=LIMIT
        )
        file.write_text(KeyList(keys=(record,)).model_dump_json())
        kept.write_text(key)
    settings = make_settings(
        cache=cache,
        allow_anonymous=False,
        keys_file=str(file),
        limits=LimitSettings.model_validate(limits),
    )
    return TestClient(create_app(settings, FakeReader())), kept.read_text()


def ask(client: TestClient, key: str | None) -> Any:
    return client.get("/sessions", params=RANGE, headers={"X-API-Key": key} if key else {})


def assert_refused(response: Any) -> None:
    assert response.status_code == 429
    error = response.json()["error"]
    assert error["type"] == "rate_limited"
    assert error.keys() == {"type", "message", "details"}
    assert 1 <= int(response.headers["Retry-After"]) <= WINDOW_S


def count(client: TestClient, key: str | None, times: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    for _ in range(times):
        response = ask(client, key)
        statuses[response.status_code] += 1
        if response.status_code != 200 and key:
            assert_refused(response)
    return statuses


@pytest.fixture(autouse=True)
def kept(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(params=["up", "absent", "none", *BEHAVIOURS])
def any_redis(request: Any, redis_url: str) -> Iterator[CacheSettings]:
    if request.param in BEHAVIOURS:
        with serve(BEHAVIOURS[request.param]) as url:
            yield CacheSettings(redis_url=url)
    else:
        absent = f"redis://127.0.0.1:{find_free_port()}/0"
        yield make_cache({"up": redis_url, "absent": absent, "none": None}[request.param])


def test_the_edge(tmp_path: Path, any_redis: CacheSettings) -> None:
    api, key = open_api(tmp_path, any_redis)
    with api as client:
        statuses = count(client, key, LIMIT + 20)
    # Within 5 %; to one where no second passes out of the window, which takes a minute.
    assert statuses == {200: LIMIT, 429: 20}


def test_processes_share_one_limit_in_redis(tmp_path: Path, redis_url: str) -> None:
    first, key = open_api(tmp_path, make_cache(redis_url))
    second, _ = open_api(tmp_path, make_cache(redis_url))
    with first as one, second as other:
        statuses = count(one, key, 60) + count(other, key, 60)
    assert statuses == {200: LIMIT, 429: 20}


def test_losing_redis_forgets_nothing(tmp_path: Path, kept: redis.Redis, redis_url: str) -> None:
    api, key = open_api(tmp_path, make_cache(redis_url))
    with api as client:
        before = count(client, key, 60)
        kept.flushall()
        after = count(client, key, 60)
    assert before + after == {200: LIMIT, 429: 20}


def test_the_window_slides_in_redis(tmp_path: Path, kept: redis.Redis, redis_url: str) -> None:
    api, key = open_api(tmp_path, make_cache(redis_url))
    name = f"wa:limit:key:{key.split('_')[1]}"
    now = int(kept.time()[0])
    kept.hset(name, mapping={str(now - WINDOW_S - 1): LIMIT, str(now - 30): LIMIT - 2})
    with api as client:
        statuses = [ask(client, key).status_code for _ in range(3)]
        response = ask(client, key)
    assert statuses == [200, 200, 429]
    assert 20 <= int(response.headers["Retry-After"]) <= 30
    assert str(now - WINDOW_S - 1).encode() not in kept.hkeys(name)
    assert 0 < kept.ttl(name) <= WINDOW_S


@pytest.mark.parametrize("spoil", ["text", "another type"])
def test_garbage_under_the_name_is_no_5xx(
    tmp_path: Path, kept: redis.Redis, redis_url: str, spoil: str
) -> None:
    api, key = open_api(tmp_path, make_cache(redis_url))
    name = f"wa:limit:key:{key.split('_')[1]}"
    if spoil == "text":
        kept.hset(name, mapping={"soon": "many"})
    else:
        kept.lpush(name, "x")
    with api as client:
        assert count(client, key, LIMIT + 5) == {200: LIMIT, 429: 5}


def test_guessing_is_limited_by_address_and_holds_up_no_valid_key(tmp_path: Path) -> None:
    api, key = open_api(tmp_path, make_cache(None), failures_per_minute=5)
    with api as client:
        wrong = make_key("b", datetime.now(UTC), scopes=["metrics"])[1]
        statuses = [ask(client, wrong).status_code for _ in range(4)]
        statuses += [ask(client, None).status_code for _ in range(3)]
        assert statuses == [401] * 5 + [429] * 2
        assert ask(client, key).status_code == 200
        assert_refused(ask(client, wrong))


def test_keys_of_the_settings_are_limited_where_told_so() -> None:
    for rate, expected in ((3, {200: 3, 429: 2}), (None, {200: 5})):
        settings = make_settings(
            allow_anonymous=False,
            api_keys=("k",),
            limits=LimitSettings(requests_per_minute=rate),
        )
        with TestClient(create_app(settings, FakeReader())) as client:
            assert count(client, "k", 5) == expected


def test_local_counts_slide_by_the_second() -> None:
    now = [1000.0]
    counts = LocalCounts(lambda: now[0])
    assert [counts.take("a", 2) for _ in range(3)] == [0, 0, WINDOW_S]
    now[0] += 10.9
    assert counts.take("a", 2) == 50
    assert counts.take("b", 2) == 0
    now[0] = 1000 + WINDOW_S - 0.1
    assert counts.take("a", 2) == 1
    now[0] = 1000 + WINDOW_S
    assert [counts.take("a", 2) for _ in range(3)] == [0, 0, WINDOW_S]


def test_local_counts_give_back_and_are_bounded() -> None:
    counts = LocalCounts(lambda: 1000.0)
    assert counts.take("a", 1) == 0
    counts.give_back("a")
    assert counts.take("a", 1) == 0
    for number in range(10_001):
        counts.take(str(number), 1)
    assert len(counts._counts) == 10_000
    assert counts.take("a", 1) == 0
