"""Redis behind a circuit breaker: the cache, the rate limits and the locks ask it through this.

Redis is never needed for a right answer. One that is absent, slow, full or no Redis at all costs
its time limit once; then it is left alone for a moment, and one question tries whether it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis.asyncio as redis
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from settings.load import reveal
from settings.model import CacheSettings

log = structlog.get_logger()

REST_S = 5.0

T = TypeVar("T")


class Unanswered(Exception):
    """There is no Redis, or it did not answer this question."""


class RedisLink:
    """A connection pool and a breaker. `is_available` is false while there is none to ask."""

    def __init__(
        self, settings: CacheSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout_s = settings.timeout_s
        self._clock = clock
        self._resting_until: float | None = None
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
        return self._redis is not None and (
            self._resting_until is None or self._clock() >= self._resting_until
        )

    async def ask(self, question: Callable[[redis.Redis], Awaitable[T]]) -> T:
        """What Redis answers, within the time limit. Raises Unanswered."""
        client = self._redis
        if client is None or not self._may_ask():
            raise Unanswered
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await question(client)
        except ResponseError as error:
            # Redis is there and refuses (this key has another type, no memory): no reason to rest.
            self._resting_until = None
            self._note(False, error)
            raise Unanswered from error
        except Exception as error:  # what is no Redis may send anything that a parser trips over
            self._resting_until = self._clock() + REST_S
            self._note(False, error)
            raise Unanswered from error
        self._resting_until = None
        self._note(True)
        return answer

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    def _may_ask(self) -> bool:
        if self._resting_until is None:
            return True
        if self._clock() < self._resting_until:
            return False
        # After the rest one question tries; the others wait for how it goes.
        self._resting_until = self._clock() + self._timeout_s
        return True

    def _note(self, is_working: bool, error: Exception | None = None) -> None:
        """Log a change of state, once."""
        if is_working != self._was_working:
            if not is_working:
                log.warning("redis_lost", error=str(error)[:200] or type(error).__name__)
            elif self._was_working is False:
                log.info("redis_back")
        self._was_working = is_working
