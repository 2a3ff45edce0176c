"""Hand-made rows as the tables a statement reads, and the statement's answer over them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.gold.users import USER_DAYS
from schemas.silver import EVENTS, SESSIONS
from serving.queries import Statement, view_name
from serving.selection import Selection
from streaming.gold import aggregate_partials
from tests.serving.lake import Row, read_rows

_numbers = count()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def select(start: str, end: str, **more: Any) -> Selection:
    return Selection(start=at(start), end=at(end), **{"limit": 10_000, "offset": 0, **more})


def make_event(visitor: str | None, time: datetime, **more: Any) -> Row:
    return {
        "site_id": "default",
        "event_id": f"event-{next(_numbers):06}",
        "event_type": "page_view",
        "event_time": time,
        "event_date": time.date(),
        "visitor_id": visitor,
        "is_bot": False,
        **more,
    }


def make_session(visitor: str, start: datetime, **more: Any) -> Row:
    return {
        "site_id": "default",
        "session_id": f"session-{next(_numbers):06}",
        "visitor_id": visitor,
        "session_start": start,
        "session_end": start + timedelta(minutes=5),
        "session_date": start.date(),
        "duration_s": 300.0,
        "event_count": 2,
        "page_views": 2,
        "is_engaged": True,
        "source": "(direct)",
        "medium": "(none)",
        "channel": "Direct",
        "conversions": 0,
        "revenue": None,
        "is_bot": False,
        **more,
    }


def make_user_days(spark: SparkSession, sessions: list[Row]) -> DataFrame:
    """The Gold table of these sessions, in two partials that have to be merged."""
    halves = [read_rows(spark, SESSIONS, sessions[place::2]) for place in (0, 1)]
    first, second = (aggregate_partials(half, USER_DAYS) for half in halves)
    return first.unionByName(second)


def ask(
    spark: SparkSession,
    statement: Statement,
    events: list[Row] | None = None,
    sessions: list[Row] | None = None,
) -> list[Row]:
    """The statement's rows over tables made of these events and sessions."""
    makers = {
        "silver.events": lambda: read_rows(spark, EVENTS, events or []),
        "silver.sessions": lambda: read_rows(spark, SESSIONS, sessions or []),
        "gold.user_days": lambda: make_user_days(spark, sessions or []),
    }
    tables = {view_name(name): makers[name]() for name in statement.tables}
    rows = spark.sql(statement.sql, statement.args, **tables).collect()
    return [dict(zip(statement.columns, row, strict=True)) for row in rows]
