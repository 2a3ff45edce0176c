"""Answers kept in Redis: read-through, and never needed for a right answer.

A key says what was asked and which table versions answer it, so what is found is never stale; the
time to live only bounds memory. Redis that is absent, slow or full of something else costs speed
only: every failure is a miss, and after one Redis is left alone for a moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from serving.gold_reader import States
from serving.queries import Statement
from serving.ranges import floor_time
from settings.load import reveal
from settings.model import CacheSettings

log = structlog.get_logger()

# Raise it when the form of a cached answer changes.
_FORMAT = b"wa1"
_DIGEST_BYTES = 16
REST_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class CachedAnswer:
    """The rows as JSON text, and when they were computed."""

    data: bytes
    generated_at: str


class AnswerCache:
    """Redis behind a circuit breaker. `is_available` is false while there is none to ask."""

    def __init__(
        self, settings: CacheSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout_s = settings.timeout_s
        self._clock = clock
        self._closed_until = 0.0
        self._was_working: bool | None = None
        self._redis: redis.Redis | None = None
        if settings.redis_url is not None:
            self._redis = redis.Redis.from_url(
                reveal(settings.redis_url),
                socket_timeout=settings.timeout_s,
                socket_connect_timeout=settings.timeout_s,
                retry=Retry(NoBackoff(), 0),
                max_connections=64,
            )

    @property
    def is_configured(self) -> bool:
        return self._redis is not None

    @property
    def is_available(self) -> bool:
        return self._redis is not None and self._clock() >= self._closed_until

    async def get(self, key: str) -> CachedAnswer | None:
        client = self._redis
        if client is None or not self.is_available:
            return None
        found = await self._try(lambda: client.get(key))
        return _unpack(found) if isinstance(found, bytes) else None

    async def put(self, key: str, answer: CachedAnswer, ttl_s: int) -> None:
        client = self._redis
        if client is None or not self.is_available:
            return
        await self._try(lambda: client.set(key, _pack(answer), ex=ttl_s))

    async def ping(self) -> bool:
        """Whether Redis answers now."""
        client = self._redis
        if client is None or not self.is_available:
            return False
        return await self._try(lambda: client.get("wa:ping"), failed=False) is not False

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    async def _try(
        self, ask: Callable[[], Awaitable[T]], failed: bool | None = None
    ) -> T | bool | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask()
        except ResponseError as error:
            # Redis is there and refuses (this key has another type, no memory): no reason to rest.
            self._note(False, error)
            return failed
        except (RedisError, OSError, TimeoutError) as error:
            self._closed_until = self._clock() + REST_S
            self._note(False, error)
            return failed
        self._note(True)
        return answer

    def _note(self, is_working: bool, error: Exception | None = None) -> None:
        """Log a change of state, once."""
        if is_working != self._was_working:
            if not is_working:
                log.warning("cache_lost", error=str(error) or type(error).__name__)
            elif self._was_working is False:
                log.info("cache_back")
        self._was_working = is_working


def make_key(statement: Statement, states: States) -> str:
    """What was asked, and the versions that answer it."""
    versions = [(name, states[name].version, states[name].commit_id) for name in statement.tables]
    asked = json.dumps([statement.sql, statement.args, versions], default=str, sort_keys=True)
    return f"wa:answer:{hashlib.sha256(asked.encode()).hexdigest()}"


def choose_ttl_s(settings: CacheSettings, end: datetime, now: datetime) -> int:
    """The newer the range, the sooner new versions replace the answer."""
    hour = floor_time(now)
    if end > hour:
        return settings.short_ttl_s
    if end > hour.replace(hour=0):
        return settings.medium_ttl_s
    if end > now - timedelta(days=31):
        return settings.long_ttl_s
    return settings.very_long_ttl_s


def _pack(answer: CachedAnswer) -> bytes:
    body = answer.generated_at.encode() + b"\n" + answer.data
    return _FORMAT + _digest(body) + body


def _unpack(found: bytes) -> CachedAnswer | None:
    """The answer, or None for anything that is not whole and ours."""
    start = len(_FORMAT) + _DIGEST_BYTES
    body = found[start:]
    if found[:start] != _FORMAT + _digest(body):
        return None
    generated_at, _, data = body.partition(b"\n")
    return CachedAnswer(data, generated_at.decode())


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()
