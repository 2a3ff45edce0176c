"""Latency of `/pages` and `/sessions` over what the chain brought in, cached and uncached.

Nothing is sent meanwhile, and it begins when the stream has nothing left to do. An uncached request
asks for a range nobody asked for before; the answer's `meta.cache` says whether it was a hit, and a
wrong one stops the stage.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import httpx

from bench.numbers import summarize
from bench.plan import Plan
from bench.stack import Stack, wait_for

_PATHS = ("/pages", "/sessions")
_TRIES = 20
# What the stream has just written is held in memory after a few questions (docs/adr/0013).
_WARMUP = 10
# For so long no table of either path has a new version before the first question.
_IDLE_S = 20.0
_IDLE_TIMEOUT_S = 600.0


def measure_latency(stack: Stack, plan: Plan, advance: Callable[[float], None]) -> dict[str, Any]:
    """Milliseconds from request to complete answer, by path; p50 and p95."""
    result: dict[str, Any] = {}
    with stack.http() as client:
        _wait_until_idle(stack, client)
        for number, path in enumerate(_PATHS):
            first = int(time.time()) % 9_000  # else a second run would ask the same again
            count = _WARMUP + plan.uncached_requests
            uncached = [
                _time_request(client, path, _unasked_range(first + index), {"miss"})
                for index in range(count)
            ][_WARMUP:]
            advance((number + 0.8) / len(_PATHS))
            asked = _unasked_range(first + count)
            _time_request(client, path, asked, {"miss", "hit"})
            cached = [_time_hit(client, path, asked) for _ in range(plan.cached_requests)]
            advance((number + 1) / len(_PATHS))
            result[path] = {"uncached_ms": summarize(uncached), "cached_ms": summarize(cached)}
    return result


def _wait_until_idle(stack: Stack, client: httpx.Client) -> None:
    """Raises RuntimeError where the stream goes on writing."""
    seen: list[dict[str, int]] = []
    since = 0.0

    def is_idle() -> bool:
        nonlocal seen, since
        now = time.monotonic()
        versions = [_ask(client, path, _unasked_range(0))[2] for path in _PATHS]
        if versions != seen:
            seen, since = versions, now
        return now >= since + _IDLE_S

    wait_for(is_idle, _IDLE_TIMEOUT_S, "Gold to be written to no more", stack)


def _unasked_range(index: int) -> dict[str, str]:
    # One full hour more each time, long before the data begins: another question, the same rows.
    today = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + dt.timedelta(days=1)
    start = end - dt.timedelta(days=2, hours=index)
    return {"start": start.isoformat(), "end": end.isoformat()}


def _time_hit(client: httpx.Client, path: str, params: dict[str, str]) -> float:
    """A hit. Sessions of the stage before may close meanwhile: then the tables are new ones."""
    for _ in range(_TRIES):
        elapsed_ms, cache, _ = _ask(client, path, params)
        if cache == "hit":
            return elapsed_ms
    raise RuntimeError(
        f"{path} was a cache {cache} {_TRIES} times on end: is Redis running, and is nothing "
        "else writing to the lake?"
    )


def _time_request(
    client: httpx.Client, path: str, params: dict[str, str], expected: set[str]
) -> float:
    elapsed_ms, cache, _ = _ask(client, path, params)
    if cache not in expected:
        raise RuntimeError(f"{path} was a cache {cache}, expected {' or '.join(sorted(expected))}")
    return elapsed_ms


def _ask(
    client: httpx.Client, path: str, params: dict[str, str]
) -> tuple[float, str, dict[str, int]]:
    """Milliseconds to the complete answer, what the cache did, and the tables' versions."""
    started = time.perf_counter()
    answer = client.get(path, params=params)
    elapsed_ms = (time.perf_counter() - started) * 1000
    meta = answer.raise_for_status().json()["meta"]
    return elapsed_ms, str(meta["cache"]), meta["versions"]
