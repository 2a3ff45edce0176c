"""One computation per question among all API processes, by a short lock in Redis.

Whoever has the lock computes; the others look for the answer until it is there. A lock that is lost
or held too long, or a Redis that does not answer, means to compute all the same: a lock saves work
and is never needed for a right answer.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import redis.asyncio as redis

from serving.cache import CachedAnswer as Answer
from serving.cache import CacheKey, Looked
from serving.redis_link import RedisLink, Unanswered

# Longer than most queries; who waited so long computes for himself.
LOCK_S = 10.0
_POLL_S = 0.05
_TOKEN = re.compile(rb"[0-9a-f]{32}")

# KEYS[1]: the lock. ARGV: token, milliseconds. Gives the token of whoever holds it now.
_TAKE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
return redis.call('GET', KEYS[1])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


async def compute_once(
    link: RedisLink,
    key: CacheKey,
    look: Callable[[], Awaitable[Looked]],
    compute: Callable[[], Awaitable[Answer]],
    lock_s: float = LOCK_S,
) -> Answer:
    """The answer: computed here, or put into the cache by the process that computes it."""
    lock, token = f"wa:lock:{key.question}:{key.versions}", secrets.token_hex(16).encode()
    give_up_at = time.monotonic() + lock_s
    while True:
        try:
            holder = await link.ask(lambda client: _take(client, lock, token, lock_s))
        except Unanswered:
            return await compute()
        if holder == token:
            break
        is_held = isinstance(holder, bytes) and _TOKEN.fullmatch(holder)
        if not is_held or time.monotonic() >= give_up_at:
            return await compute()
        await asyncio.sleep(_POLL_S)
        if answer := (await look()).answer:
            return answer
    try:
        # It may have been put there between the first look and the lock.
        return (await look()).answer or await compute()
    finally:
        with suppress(Unanswered):
            await link.ask(lambda client: _release(client, lock, token))


async def _take(client: redis.Redis, lock: str, token: bytes, lock_s: float) -> object:
    script = client.register_script(_TAKE)
    return await script(keys=[lock], args=[token, int(1000 * lock_s)])


async def _release(client: redis.Redis, lock: str, token: bytes) -> object:
    return await client.register_script(_RELEASE)(keys=[lock], args=[token])
