"""The rows of an answer: from the cache, or computed; once for all who ask the same at a time.

From `Prepared` to a `CachedAnswer`. While more is asked than can be computed, the answer of earlier
versions is given for some seconds, and computed anew in the background.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from serving.cache import CachedAnswer, CacheKey, choose_ttl_s
from serving.deps import Call, Service
from serving.errors import ServingError, VersionGone
from serving.flights import IsGone, stay
from serving.forms import dump
from serving.freshness import format_time
from serving.gold_reader import States
from serving.past import refuse_gone
from serving.preparing import Prepared, Rows
from serving.queries import Statement
from serving.single_flight import compute_once

# How rows are got: `QueryPool.run`, or past its line.
Run = Callable[[Statement, States], Awaitable[Rows]]

# What `meta` tells of the tables' versions.
_OF_VERSIONS = ("as_of", "complete_until", "versions")


@dataclass(frozen=True)
class Found:
    """An answer, and `meta.cache`; earlier: its key, where it is of earlier versions."""

    answer: CachedAnswer
    cache: str
    earlier: CacheKey | None = None


async def find(call: Call, prepared: Prepared, *, may_be_earlier: bool = False) -> Found:
    """The answer, computed if the cache has none. Raises ServingError.

    may_be_earlier: of earlier versions, while twice as many queries wait as may run.
    """
    service = call.service
    if prepared.is_empty:
        return Found(CachedAnswer(b"[]", format_time(prepared.now)), "bypass")
    looked = await service.cache.look(prepared.key)
    may_be_earlier = may_be_earlier and _may_be_earlier(service, prepared)
    if may_be_earlier and looked.earlier and _is_given(service, prepared, looked.earlier[1]):
        return _give_earlier(service, prepared, *looked.earlier)
    service.metrics.cache_answers.labels(prepared.question.path, looked.outcome).inc()
    if looked.answer:
        return Found(looked.answer, "hit")
    under_way = _find_under_way(service, prepared) if may_be_earlier else None
    try:
        # Nothing may be awaited in between: what is under way is joined, not begun.
        key, run = under_way or prepared.key, service.pool.run
        found = await _compute_once(service, prepared, key, run, call.is_gone)
    except VersionGone as error:
        if prepared.past is None:
            raise
        raise refuse_gone(prepared.past) from error
    return Found(found, "miss" if looked.outcome == "stale" else looked.outcome, under_way)


def _may_be_earlier(service: Service, prepared: Prepared) -> bool:
    """Whether a new answer would have to wait, and one of earlier versions will do."""
    is_present = prepared.past is None and not prepared.question.is_of_one
    return is_present and service.pool.is_crowded


def _is_given(service: Service, prepared: Prepared, earlier: CachedAnswer) -> bool:
    """Whether it is not old."""
    oldest = prepared.now - timedelta(seconds=service.settings.serving.cache.earlier_s)
    return datetime.fromisoformat(earlier.generated_at) >= oldest


def _find_under_way(service: Service, prepared: Prepared) -> CacheKey | None:
    """The key under which the same question is computed now, over these versions or earlier."""
    asked = prepared.key.question
    earlier_s = service.settings.serving.cache.earlier_s
    return service.flights.find(lambda key: key.question == asked, earlier_s)


def _give_earlier(
    service: Service, prepared: Prepared, key: CacheKey, earlier: CachedAnswer
) -> Found:
    """It is computed anew in the background (RFC 5861: stale-while-revalidate)."""
    service.metrics.cache_answers.labels(prepared.question.path, "earlier").inc()
    if not _find_under_way(service, prepared):
        run = service.pool.run_beside
        service.renewal.want(
            prepared.key.question,
            lambda: _compute_once(service, prepared, prepared.key, run, stay),
        )
    return Found(earlier, "hit", key)


async def _compute_once(
    service: Service, prepared: Prepared, key: CacheKey, run: Run, is_gone: IsGone
) -> CachedAnswer:
    """Join the computation of this key that is under way here or elsewhere, or start it."""
    return await service.flights.join(
        key,
        lambda: compute_once(
            service.link,
            key,
            lambda: service.cache.look(key),
            lambda: _compute(service, prepared, run),
        ),
        is_gone,
    )


async def _compute(service: Service, prepared: Prepared, run: Run) -> CachedAnswer:
    question, statement = prepared.question, prepared.statement
    try:
        with service.metrics.query_seconds.labels(question.path).time():
            rows = await run(statement, prepared.states)
    except ServingError as error:
        service.metrics.query_errors.labels(question.path, type(error).__name__).inc()
        raise
    data = dump(question.shape(statement, rows))
    told = {name: prepared.meta[name] for name in _OF_VERSIONS}
    made = CachedAnswer(data, format_time(datetime.now(UTC)), told)
    ttl_s = choose_ttl_s(service.settings.serving.cache, prepared.selection.end, prepared.now)
    await service.cache.put(prepared.key, made, ttl_s)
    return made
