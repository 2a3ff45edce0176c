"""What is known of an answer before it is computed: its statement, its key, what `meta` says.

From a question and a selection, over certain versions of the tables, to `Prepared`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from schemas.gold.pages import PAGES
from schemas.table import GoldTable
from serving.access import restrict
from serving.cache import CacheKey, make_key
from serving.comparison import compare_periods
from serving.deps import Call
from serving.endpoint import Endpoint
from serving.errors import NotReady
from serving.freshness import find_as_of, find_complete_until, format_time
from serving.gold_reader import States
from serving.past import Past, PastView, find_moment, require_readable
from serving.queries import Statement, build_statement
from serving.ranges import Ranges, split_range
from serving.selection import Selection
from serving.zones import show_buckets

NOT_READY_RETRY_S = 2
Rows = list[tuple[Any, ...]]


def name_columns(statement: Statement, rows: Rows) -> list[Any]:
    return [dict(zip(statement.columns, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Question:
    """What a path answers: the name it is measured by, its statement, and the rows' form.

    `tables` are those whose `as_of` counts; their grain is what the range is split by.
    is_of_one: about one person, whose erasure counts at once (docs/adr/0016).
    """

    path: str
    build: Callable[[Selection, Ranges, States], Statement]
    shape: Callable[[Statement, Rows], list[Any]] = name_columns
    tables: tuple[GoldTable, ...] = (PAGES,)
    is_of_one: bool = False


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


def ask_endpoint(endpoint: Endpoint, timezone: str | None) -> Question:
    """The question that an endpoint is; `timezone`: what its buckets are shown in."""

    def build(selection: Selection, ranges: Ranges, _: States) -> Statement:
        if selection.previous:
            return compare_periods(endpoint, selection, ranges)
        return build_statement(endpoint, selection, ranges)

    def shape(statement: Statement, rows: Rows) -> list[Any]:
        return show_buckets(name_columns(statement, rows), timezone)

    return Question(endpoint.path, build, shape, endpoint.tables)


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
