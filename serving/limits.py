"""How many requests a key, or an address without one, may make in a minute.

A sliding window of sixty seconds, counted by the second: the limit holds in any sixty seconds, to
one second. Redis counts for all processes in one atomic step; each process counts its own too,
which answers while Redis does not, and spares Redis what is refused here already.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

import redis.asyncio as redis

from serving.errors import RateLimited
from serving.redis_link import RedisLink, Unanswered

WINDOW_S = 60
_MOST_NAMES = 10_000
_ANSWER = re.compile(rb"wait (\d{1,2})")

# KEYS[1]: counts by second. ARGV: limit, window. Gives `wait` and seconds; 0: taken.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local counts, used, oldest = redis.call('HGETALL', KEYS[1]), 0, now
for i = 1, #counts, 2 do
  local second = tonumber(counts[i])
  if second <= now - ARGV[2] then
    redis.call('HDEL', KEYS[1], counts[i])
  else
    used = used + tonumber(counts[i + 1])
    oldest = math.min(oldest, second)
  end
end
if used >= tonumber(ARGV[1]) then return 'wait ' .. (oldest + ARGV[2] - now) end
redis.call('HINCRBY', KEYS[1], now, 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 'wait 0'
"""


class RateLimiter:
    """Counts by name; `take` is one request."""

    def __init__(self, link: RedisLink, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._local = LocalCounts(clock)

    async def take(self, name: str, limit: int) -> None:
        """Count one request. Raises RateLimited if it is one too many; that one is not counted."""
        wait_s = self._local.take(name, limit)
        if wait_s == 0:
            wait_s = await self._take_in_redis(name, limit)
            if wait_s:
                self._local.give_back(name)
        if wait_s:
            raise RateLimited(
                f"more than {limit} requests in {WINDOW_S} seconds; try again in {wait_s} s.",
                [{"parameter": "X-API-Key", "given": f"more than {limit}", "allowed": limit}],
                retry_after_s=wait_s,
            )

    async def _take_in_redis(self, name: str, limit: int) -> int:
        async def run(client: redis.Redis) -> object:
            script = client.register_script(_TAKE)
            return await script(keys=[f"wa:limit:{name}"], args=[limit, WINDOW_S])

        try:
            answer = await self._link.ask(run)
        except Unanswered:
            return 0
        # Anything else is no answer of this script; this process has counted.
        match = _ANSWER.fullmatch(answer) if isinstance(answer, bytes) else None
        return min(int(match[1]), WINDOW_S) if match else 0


class LocalCounts:
    """The same window in this process, for a bounded number of names."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, dict[int, int]] = OrderedDict()

    def take(self, name: str, limit: int) -> int:
        """Seconds to wait; 0: taken."""
        now = int(self._clock())
        counts = self._counts.setdefault(name, {})
        self._counts.move_to_end(name)
        while len(self._counts) > _MOST_NAMES:
            self._counts.popitem(last=False)
        for second in [second for second in counts if second <= now - WINDOW_S]:
            del counts[second]
        if sum(counts.values()) >= limit:
            return min(counts) + WINDOW_S - now
        counts[now] = counts.get(now, 0) + 1
        return 0

    def give_back(self, name: str) -> None:
        """The request that was taken last did not happen."""
        counts = self._counts.get(name)
        if counts:
            newest = max(counts)
            counts[newest] -= 1
            if not counts[newest]:
                del counts[newest]
