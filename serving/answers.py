"""How a request for numbers is answered: versions -> cache -> one Spark SQL statement -> shape.

From validated parameters to the response. One computation per key at a time, in this process and
among all; an answer always says which table versions it was made from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from schemas.gold.pages import PAGES
from schemas.table import GoldTable
from serving.access import restrict
from serving.cache import CachedAnswer, CacheKey, choose_ttl_s, make_key
from serving.comparison import compare_periods
from serving.deps import Call, Service
from serving.endpoints import Endpoint
from serving.errors import NotReady, ServingError, VersionGone
from serving.forms import Form, choose_form, dump, give, give_not_modified, is_known, make_etag
from serving.freshness import find_as_of, find_complete_until, format_time
from serving.gold_reader import States
from serving.params import CommonParams, MetricParams
from serving.past import (
    Past,
    PastView,
    find_moment,
    read_past,
    refuse_gone,
    require_past,
    require_readable,
)
from serving.queries import Statement, build_statement
from serving.ranges import Ranges, split_range
from serving.selection import Selection
from serving.single_flight import compute_once
from serving.zones import show_buckets

NOT_READY_RETRY_S = 2

Rows = list[tuple[Any, ...]]


def name_columns(statement: Statement, rows: Rows) -> list[Any]:
    return [dict(zip(statement.columns, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Question:
    """What a path answers: the name it is measured by, its statement, and the rows' form.

    `tables` are those whose `as_of` counts; their grain is what the range is split by.
    """

    path: str
    build: Callable[[Selection, Ranges, States], Statement]
    shape: Callable[[Statement, Rows], list[Any]] = name_columns
    tables: tuple[GoldTable, ...] = (PAGES,)


@dataclass(frozen=True)
class Prepared:
    """A question over certain versions of the tables: all that is known before computing."""

    question: Question
    selection: Selection
    statement: Statement
    states: States
    key: CacheKey
    meta: dict[str, Any]
    is_empty: bool
    now: datetime
    past: Past | None = None


async def answer(call: Call, endpoint: Endpoint, params: MetricParams) -> Response:
    """Answer a request for declared metrics. Raises ServingError."""
    if isinstance(params, CommonParams):
        params = params.in_zone_of(call.service.settings.timezones, call.access.sites)
    timezone = getattr(params, "timezone", None)
    return await answer_question(call, ask_endpoint(endpoint, timezone), params)


def ask_endpoint(endpoint: Endpoint, timezone: str | None) -> Question:
    """The question that an endpoint is; `timezone`: what its buckets are shown in."""

    def build(selection: Selection, ranges: Ranges, _: States) -> Statement:
        if selection.previous:
            return compare_periods(endpoint, selection, ranges)
        return build_statement(endpoint, selection, ranges)

    def shape(statement: Statement, rows: Rows) -> list[Any]:
        return show_buckets(name_columns(statement, rows), timezone)

    return Question(endpoint.path, build, shape, endpoint.tables)


async def answer_question(call: Call, question: Question, params: MetricParams) -> Response:
    """Answer one request. Raises ServingError."""
    service = call.service
    states, now = await read_versions(service)
    view = None
    if params.past is not None:
        require_past(params.past, now)
        states, gaps = await asyncio.to_thread(read_past, service.reader, params.past, states)
        view = PastView(params.past, gaps)
    selection = params.select(find_moment(params.past, now))
    prepared = prepare(call, question, selection, states, now, view)
    is_csv = choose_form(params.format, call.accept) == "csv"
    form = Form(question.path, prepared.statement.columns, is_csv)
    etag = make_etag(form, prepared.key, prepared.meta)
    if is_known(etag, call.if_none_match):
        service.metrics.cache_answers.labels(question.path, "not_modified").inc()
        return give_not_modified(etag)
    found, cache = await find(call, prepared)
    return give(form, etag, found, {**prepared.meta, "cache": cache})


async def read_versions(service: Service) -> tuple[States, datetime]:
    """The tables as they are now, and the time. Raises NotReady."""
    states = await asyncio.to_thread(service.reader.read_states)
    # After the versions: see split_range.
    return states, datetime.now(UTC)


def prepare(
    call: Call,
    question: Question,
    selection: Selection,
    states: States,
    now: datetime,
    view: PastView | None = None,
) -> Prepared:
    """All that is known of an answer before it is computed.

    view: of the past that `states` are of. Raises Forbidden, NotReady, InvalidParameter.
    """
    past = view.past if view else None
    moment = find_moment(past, now)
    selection = restrict(selection, call.access)
    ranges = split_range(selection.start, selection.end, moment, question.tables[0].grain)
    statement = _build(question, selection, ranges, states)
    if view and not ranges.is_empty:
        require_readable(view.past, statement.tables, view.gaps, states)
    _require_tables(statement, states)
    return Prepared(
        question,
        selection,
        statement,
        states,
        key=make_key(statement, states, is_past=past is not None),
        meta=_describe(question, selection, states, statement),
        is_empty=ranges.is_empty,
        now=now,
        past=past,
    )


async def find(call: Call, prepared: Prepared) -> tuple[CachedAnswer, str]:
    """The answer, computed if the cache has none, and `meta.cache`. Raises ServingError."""
    service = call.service
    if prepared.is_empty:
        return CachedAnswer(b"[]", format_time(prepared.now)), "bypass"
    looked = await service.cache.look(prepared.key)
    service.metrics.cache_answers.labels(prepared.question.path, looked.outcome).inc()
    found = looked.answer
    if found is None:
        try:
            found = await _compute_once(call, prepared)
        except VersionGone as error:
            if prepared.past is None:
                raise
            raise refuse_gone(prepared.past) from error
    return found, "miss" if looked.outcome == "stale" else looked.outcome


def _build(question: Question, selection: Selection, ranges: Ranges, states: States) -> Statement:
    """The statement; for an empty range one that is never run and has only its columns."""
    if not ranges.is_empty:
        return question.build(selection, ranges, states)
    unread = Ranges(None, ((selection.start, selection.end),))
    return replace(question.build(selection, unread, states), tables=())


def _require_tables(statement: Statement, states: States) -> None:
    missing = [name for name in statement.tables if name not in states]
    if missing:
        raise NotReady(
            f"not there yet: {', '.join(missing)}; the streaming app makes them when it starts.",
            retry_after_s=NOT_READY_RETRY_S,
        )


async def _compute_once(call: Call, prepared: Prepared) -> CachedAnswer:
    """Join the computation of this key that is under way here or elsewhere, or start it."""
    service, key = call.service, prepared.key
    return await service.flights.join(
        key,
        lambda: compute_once(
            service.link,
            key,
            lambda: service.cache.look(key),
            lambda: _compute(service, prepared),
        ),
        call.is_gone,
    )


async def _compute(service: Service, prepared: Prepared) -> CachedAnswer:
    question, statement = prepared.question, prepared.statement
    try:
        with service.metrics.query_seconds.labels(question.path).time():
            rows = await service.pool.run(statement, prepared.states)
    except ServingError as error:
        service.metrics.query_errors.labels(question.path, type(error).__name__).inc()
        raise
    data = dump(question.shape(statement, rows))
    made = CachedAnswer(data, format_time(datetime.now(UTC)))
    ttl_s = choose_ttl_s(service.settings.serving.cache, prepared.selection.end, prepared.now)
    await service.cache.put(prepared.key, made, ttl_s)
    return made


def _describe(
    question: Question, selection: Selection, states: States, statement: Statement
) -> dict[str, Any]:
    as_of, complete_until = find_as_of(states, question.tables), find_complete_until(states)
    meta: dict[str, Any] = {
        "start": format_time(selection.start),
        "end": format_time(selection.end),
        "as_of": format_time(as_of) if as_of else None,
        "complete_until": format_time(complete_until) if complete_until else None,
        "versions": {name: states[name].version for name in statement.tables},
    }
    if selection.timezone:
        meta["timezone"] = selection.timezone
    if selection.previous:
        start, end = selection.previous
        meta["compare"] = {"start": format_time(start), "end": format_time(end)}
    return meta
