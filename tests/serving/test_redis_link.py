"""The breaker in front of Redis, and the lock by which processes share a computation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
import redis

from embedded.ports import find_free_port
from serving.cache import AnswerCache, CachedAnswer, CacheKey, Looked
from serving.redis_link import REST_S, RedisLink, Unanswered
from serving.single_flight import compute_once
from tests.serving.broken_redis import BEHAVIOURS, forward_to, serve
from tests.serving.fakes import make_cache

KEY = CacheKey("question", "versions")
LOCK = "wa:lock:question:versions"
ANSWER = CachedAnswer(b"[1]", "2026-01-01T00:00:00Z")

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def kept(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    yield client
    client.close()


def make_link(
    url: str, clock: Callable[[], float] = time.monotonic, **settings: float
) -> RedisLink:
    return RedisLink(make_cache(url, **settings), clock)


async def fail(link: RedisLink) -> None:
    with pytest.raises(Unanswered):
        await link.ask(lambda client: client.get("x"))


async def test_the_breaker_rests_and_comes_back_by_itself(redis_url: str) -> None:
    now, port = [100.0], find_free_port()
    link = make_link(f"redis://127.0.0.1:{port}/0", lambda: now[0])
    assert link.is_available
    await fail(link)
    assert not link.is_available
    now[0] += REST_S - 0.1
    assert not link.is_available
    now[0] += 0.2
    assert link.is_available
    await fail(link)
    assert not link.is_available
    with serve(forward_to(redis_url), port):
        await fail(link)  # still resting: it is not even asked
        now[0] += REST_S + 1
        assert await link.ask(lambda client: client.get("x")) is None
    assert link.is_available
    await link.close()


async def test_after_the_rest_one_question_tries(kept: redis.Redis) -> None:
    assert kept.ping()
    now = [100.0]
    with serve(BEHAVIOURS["stalls"]) as url:
        link = make_link(url, lambda: now[0], timeout_s=0.25)
        await fail(link)
        now[0] += REST_S + 1
        trying = asyncio.create_task(fail(link))
        await asyncio.sleep(0)
        assert not link.is_available  # the others do not wait with it
        await fail(link)
        await trying
        assert not link.is_available
        await link.close()


async def test_a_refusal_is_no_reason_to_rest(kept: redis.Redis, redis_url: str) -> None:
    kept.lpush("x", "another type")
    link = make_link(redis_url)
    await fail(link)
    assert link.is_available
    assert await link.ask(lambda client: client.get("y")) is None
    await link.close()


def count_computations() -> tuple[list[int], Callable[[], Awaitable[CachedAnswer]]]:
    computed: list[int] = []

    async def compute() -> CachedAnswer:
        computed.append(1)
        return ANSWER

    return computed, compute


async def never() -> Looked:
    return Looked("miss")


async def test_processes_share_one_computation(kept: redis.Redis, redis_url: str) -> None:
    links = [make_link(redis_url) for _ in range(4)]
    computed: list[int] = []
    may_end = asyncio.Event()

    def ask(link: RedisLink) -> Awaitable[CachedAnswer]:
        cache = AnswerCache(link)

        async def compute() -> CachedAnswer:
            computed.append(1)
            await may_end.wait()
            await cache.put(KEY, ANSWER, 10)
            return ANSWER

        return compute_once(link, KEY, lambda: cache.look(KEY), compute)

    tasks = [asyncio.ensure_future(ask(link)) for link in links]
    while not computed:
        await asyncio.sleep(0.01)
    may_end.set()
    assert await asyncio.gather(*tasks) == [ANSWER] * 4
    assert len(computed) == 1
    assert not kept.exists(LOCK)
    for link in links:
        await link.close()


async def test_a_lock_that_is_held_too_long_is_no_reason_to_wait(
    kept: redis.Redis, redis_url: str
) -> None:
    kept.set(LOCK, "0" * 32)
    link = make_link(redis_url)
    computed, compute = count_computations()
    assert await compute_once(link, KEY, never, compute, lock_s=0.1) == ANSWER
    assert len(computed) == 1
    assert kept.get(LOCK) == b"0" * 32  # another's lock is not taken away
    await link.close()


async def test_a_lock_that_is_lost_passes_to_the_next(kept: redis.Redis, redis_url: str) -> None:
    kept.set(LOCK, "0" * 32, px=60)
    link = make_link(redis_url)
    computed, compute = count_computations()
    assert await compute_once(link, KEY, never, compute) == ANSWER
    assert len(computed) == 1
    assert not kept.exists(LOCK)
    await link.close()


async def test_a_failure_lets_the_lock_go(kept: redis.Redis, redis_url: str) -> None:
    async def compute() -> CachedAnswer:
        assert kept.exists(LOCK)
        raise ValueError

    link = make_link(redis_url)
    with pytest.raises(ValueError):
        await compute_once(link, KEY, never, compute)
    assert not kept.exists(LOCK)
    await link.close()


async def test_garbage_in_place_of_the_lock_is_no_lock(kept: redis.Redis, redis_url: str) -> None:
    link = make_link(redis_url)
    for spoil in (lambda: kept.set(LOCK, "garbage"), lambda: kept.lpush(LOCK, "x")):
        kept.flushall()
        spoil()
        computed, compute = count_computations()
        assert await compute_once(link, KEY, never, compute) == ANSWER
        assert len(computed) == 1
    await link.close()


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_a_bad_redis_is_no_reason_not_to_compute(behaviour: str) -> None:
    with serve(BEHAVIOURS[behaviour]) as url:
        link = make_link(url, timeout_s=0.25)
        computed, compute = count_computations()
        assert await compute_once(link, KEY, never, compute) == ANSWER
        assert len(computed) == 1
        await link.close()
