"""The cache: read-through with a real Redis, and right answers without one or with a bad one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from fastapi.testclient import TestClient

from embedded.ports import find_free_port
from serving.app import create_app
from serving.cache import (
    MAX_BYTES,
    AnswerCache,
    CachedAnswer,
    CacheKey,
    Looked,
    choose_ttl_s,
    make_key,
)
from serving.delta_log import TableState
from serving.queries import Statement
from serving.redis_link import RedisLink
from settings.model import CacheSettings
from tests.serving.broken_redis import BEHAVIOURS, serve
from tests.serving.fakes import READY, FakeReader, make_cache, make_settings

RANGE = {"start": "2015-05-17", "end": "2015-05-21", "limit": "7"}
ANSWER = CachedAnswer(b'[{"a":1}]', "2026-01-01T00:00:00Z", {"as_of": None, "versions": {"t": 1}})
KEY = CacheKey("question", "versions")


@pytest.fixture
def kept(redis_url: str) -> Iterator[redis.Redis]:
    """The Redis itself, emptied."""
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    yield client
    client.close()


def ask(client: TestClient) -> tuple[str, list[object]]:
    response = client.get("/pages", params=RANGE)
    assert response.status_code == 200, response.text
    body = response.json()
    return body["meta"]["cache"], body["data"]


def asked_for(reader: FakeReader) -> int:
    """Queries of the test, without those of the warm-up."""
    return sum(statement.args["limit"] == int(RANGE["limit"]) for statement in reader.statements)


def test_the_second_time_is_a_hit_until_a_version_changes(
    kept: redis.Redis, redis_url: str
) -> None:
    reader = FakeReader()
    with TestClient(create_app(make_settings(redis_url), reader)) as client:
        first, second = ask(client), ask(client)
        assert (first[0], second[0]) == ("miss", "hit")
        assert first[1] == second[1]
        assert asked_for(reader) == 1
        reader.states = {**READY, "gold.exit_pages": TableState(4, "next")}
        assert ask(client)[0] == "miss"
        assert asked_for(reader) == 2
    assert all(0 < kept.ttl(key) <= 86400 for key in kept.keys("wa:answer:*"))


def test_garbage_is_a_miss_and_is_replaced(kept: redis.Redis, redis_url: str) -> None:
    with TestClient(create_app(make_settings(redis_url), FakeReader())) as client:
        expected = ask(client)[1]
        keys = kept.keys("wa:answer:*")
        assert keys
        good = {key: kept.get(key) for key in keys}
        for garbage in (b"", b"garbage", b"\xff" * 100, *(v[:-1] for v in good.values() if v)):
            for key in keys:
                kept.set(key, garbage)
            assert ask(client) == ("miss", expected)
            assert ask(client) == ("hit", expected)
        for key in keys:
            kept.delete(key)
            kept.lpush(key, "another type")
        assert ask(client) == ("miss", expected)


def test_without_redis_answers_are_right(redis_url: str) -> None:
    assert redis_url
    for url in (None, f"redis://127.0.0.1:{find_free_port()}/0"):
        with TestClient(create_app(make_settings(url), FakeReader())) as client:
            cache, data = ask(client)
            assert cache == "bypass"
            assert len(data) == 1


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_with_a_bad_redis_answers_are_right(behaviour: str) -> None:
    with (
        serve(BEHAVIOURS[behaviour]) as url,
        TestClient(
            create_app(make_settings(cache=CacheSettings(redis_url=url)), FakeReader())
        ) as client,
    ):
        first, second = ask(client), ask(client)
    assert first[1] == second[1]
    assert len(first[1]) == 1
    assert "hit" not in (first[0], second[0])


def test_what_the_cache_did_is_counted(kept: redis.Redis, redis_url: str) -> None:
    assert not kept.keys("*")
    reader = FakeReader()
    with TestClient(create_app(make_settings(redis_url), reader)) as client:
        ask(client), ask(client)
        reader.states = {**READY, "gold.pages": TableState(4, "next")}
        assert ask(client)[0] == "miss"
        text = client.get("/metrics").text
    for outcome in ("hit", "stale"):
        assert f'web_analytics_cache_answers_total{{cache="{outcome}",endpoint="/pages"}} 1' in text


@pytest.mark.anyio
async def test_what_was_put_is_got(kept: redis.Redis, redis_url: str) -> None:
    link = RedisLink(make_cache(redis_url))
    cache = AnswerCache(link)
    large = CachedAnswer(b"[" + b"1234567," * 100_000 + b"1]", ANSWER.generated_at)
    for answer in (ANSWER, large, CachedAnswer(b'["a\\nb\n"]', ANSWER.generated_at)):
        await cache.put(KEY, answer, 10)
        assert await cache.look(KEY) == Looked("hit", answer)
        assert len(kept.get(KEY.place) or b"") < 100_000
    assert await cache.ping()
    assert kept.ttl(KEY.place) > 0
    await link.close()


@pytest.mark.anyio
async def test_an_answer_of_other_versions_is_stale_and_replaced(
    kept: redis.Redis, redis_url: str
) -> None:
    link = RedisLink(make_cache(redis_url))
    cache, newer = AnswerCache(link), CacheKey(KEY.question, "newer")
    assert await cache.look(KEY) == Looked("miss")
    await cache.put(KEY, ANSWER, 10)
    assert await cache.look(newer) == Looked("stale", earlier=(KEY, ANSWER))
    await cache.put(newer, ANSWER, 10)
    assert await cache.look(newer) == Looked("hit", ANSWER)
    assert len(kept.keys("wa:answer:*")) == 1
    await link.close()


@pytest.mark.anyio
async def test_an_answer_too_large_is_not_kept(kept: redis.Redis, redis_url: str) -> None:
    link = RedisLink(make_cache(redis_url))
    await AnswerCache(link).put(KEY, CachedAnswer(b" " * (MAX_BYTES + 1), ""), 10)
    assert not kept.keys("*")
    await link.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_key_says_what_was_asked_and_of_which_versions() -> None:
    statement = Statement("SELECT :a", {"a": 1}, ("gold.pages",), ("a",))
    states = {"gold.pages": TableState(1, "x")}
    keys = {
        make_key(statement, states),
        make_key(statement, {"gold.pages": TableState(2, "x")}),
        make_key(statement, {"gold.pages": TableState(1, "y")}),
        make_key(Statement("SELECT :a", {"a": 2}, ("gold.pages",), ("a",)), states),
        make_key(Statement("SELECT :a, 1", {"a": 1}, ("gold.pages",), ("a",)), states),
    }
    assert len(keys) == 5
    assert len({key.question for key in keys}) == 3
    assert make_key(statement, {**states, "gold.sessions": TableState(9, "z")}) in keys


def test_time_to_live_by_age_of_the_range() -> None:
    now = datetime(2026, 1, 10, 10, 20, tzinfo=UTC)
    settings = CacheSettings()
    ends = [
        now + timedelta(hours=1),
        now - timedelta(minutes=21),
        now - timedelta(days=2),
        now - timedelta(days=40),
    ]
    assert [choose_ttl_s(settings, end, now) for end in ends] == [60, 600, 1800, 86400]
