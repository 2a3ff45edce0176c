"""How a metric request is answered: versions -> cache -> one Spark SQL statement -> shape.

From validated parameters to the bytes of the response. One computation per key at a time in this
process; an answer always says which table versions it was made from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from schemas.gold import EVENT_GRAIN, SESSION_GRAIN
from schemas.gold.pages import PAGES
from schemas.table import GoldTable
from serving.access import restrict
from serving.cache import CachedAnswer, CacheKey, choose_ttl_s, make_key
from serving.deps import Call, Service
from serving.endpoints import Endpoint
from serving.errors import NotReady, ServingError
from serving.gold_reader import States
from serving.params import MetricParams
from serving.queries import Selection, Statement, build_statement
from serving.ranges import split_range
from serving.single_flight import compute_once

NOT_READY_RETRY_S = 2
_NO_STATEMENT = Statement("", {}, (), ())


async def answer(call: Call, endpoint: Endpoint, params: MetricParams) -> Response:
    """Answer one request. Raises ServingError."""
    service = call.service
    states = await asyncio.to_thread(service.reader.read_states)
    # After the versions: see split_range.
    now = datetime.now(UTC)
    selection = restrict(params.select(now), call.access)
    ranges = split_range(selection.start, selection.end, now, endpoint.tables[0].grain)
    if ranges.is_empty:
        nothing = CachedAnswer(b"[]", format_time(now))
        return _shape(nothing, _describe(endpoint, selection, states, _NO_STATEMENT, "bypass"))
    statement = build_statement(endpoint, selection, ranges)
    _require_tables(statement, states)
    key = make_key(statement, states)
    looked = await service.cache.look(key)
    service.metrics.cache_answers.labels(endpoint.path, looked.outcome).inc()
    found = looked.answer
    if found is None:
        ttl_s = choose_ttl_s(service.settings.serving.cache, selection.end, now)
        found = await _compute_once(service, endpoint, statement, states, key, ttl_s)
    cache = "miss" if looked.outcome == "stale" else looked.outcome
    return _shape(found, _describe(endpoint, selection, states, statement, cache))


def find_as_of(states: States, tables: Iterable[GoldTable] = (PAGES,)) -> datetime | None:
    """Event time up to which data is in, as the streaming app last said; None: it never did.

    In all of `tables` that are made from events; in the page metrics where none is.
    """
    of_events = [table for table in tables if table in EVENT_GRAIN] or [PAGES]
    return _find_earliest(states, of_events, "as_of")


def find_complete_until(states: States) -> datetime | None:
    """Event time up to which sessions are closed, in all tables made from them."""
    return _find_earliest(states, SESSION_GRAIN, "complete_until")


def format_time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _find_earliest(states: States, tables: Iterable[GoldTable], name: str) -> datetime | None:
    """The earliest of the times that all of the tables say; None if one says none."""
    times = [_find_said(states, table, name) for table in tables]
    return min((time for time in times if time), default=None) if all(times) else None


def _find_said(states: States, table: GoldTable, name: str) -> datetime | None:
    """A time in what the writer of a table last said; None if there is none that can be read."""
    state = states.get(table.name)
    try:
        time = datetime.fromisoformat(state.said[name]) if state else None
    except (KeyError, ValueError):
        return None
    return time.astimezone(UTC) if time and time.tzinfo else None


def _require_tables(statement: Statement, states: States) -> None:
    missing = [name for name in statement.tables if name not in states]
    if missing:
        raise NotReady(
            f"not there yet: {', '.join(missing)}; the streaming app makes them when it starts.",
            retry_after_s=NOT_READY_RETRY_S,
        )


async def _compute_once(
    service: Service,
    endpoint: Endpoint,
    statement: Statement,
    states: States,
    key: CacheKey,
    ttl_s: int,
) -> CachedAnswer:
    """Join the computation of this key that is under way, or start it."""
    flight = service.flights.get(key)
    if flight is None:
        flight = asyncio.create_task(
            compute_once(
                service.link,
                key,
                lambda: service.cache.look(key),
                lambda: _compute(service, endpoint, statement, states, key, ttl_s),
            )
        )
        service.flights[key] = flight
        flight.add_done_callback(lambda _: service.flights.pop(key))
    # Shielded: one client that goes away must not take the answer from the others.
    return await asyncio.shield(flight)


async def _compute(
    service: Service,
    endpoint: Endpoint,
    statement: Statement,
    states: States,
    key: CacheKey,
    ttl_s: int,
) -> CachedAnswer:
    try:
        with service.metrics.query_seconds.labels(endpoint.path).time():
            rows = await service.pool.run(statement, states)
    except ServingError as error:
        service.metrics.query_errors.labels(endpoint.path, type(error).__name__).inc()
        raise
    data = [dict(zip(statement.columns, row, strict=True)) for row in rows]
    made = CachedAnswer(_dump(data), format_time(datetime.now(UTC)))
    await service.cache.put(key, made, ttl_s)
    return made


def _describe(
    endpoint: Endpoint, selection: Selection, states: States, statement: Statement, cache: str
) -> dict[str, Any]:
    as_of, complete_until = find_as_of(states, endpoint.tables), find_complete_until(states)
    return {
        "start": format_time(selection.start),
        "end": format_time(selection.end),
        "as_of": format_time(as_of) if as_of else None,
        "complete_until": format_time(complete_until) if complete_until else None,
        "cache": cache,
        "versions": {name: states[name].version for name in statement.tables},
    }


def _shape(found: CachedAnswer, meta: dict[str, Any]) -> Response:
    described = _dump({**meta, "generated_at": found.generated_at})
    body = b'{"data":' + found.data + b',"meta":' + described + b"}"
    return Response(body, media_type="application/json")


def _dump(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Text of clients may hold lone surrogates, which UTF-8 has no bytes for.
    return text.encode("utf-8", "replace")
