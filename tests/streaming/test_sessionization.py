"""Sessions of given events: where they begin and end, and what is said of them.

The cases of all tests go through one Spark job each: every case is a visitor of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from schemas.silver import EVENTS, SESSIONS
from settings.model import SessionSettings, Settings
from streaming.rules import load_rules
from streaming.sessionization import EVENT_COLUMNS, sessionize_events
from tests.streaming.records import NOON, at

THRESHOLDS = load_rules(Settings()).bots.behaviour
SETTINGS = SessionSettings()
MIDNIGHT = NOON.replace(hour=0)
MINUTE = 60
HOUR = 3600
_TYPES = {column.name: column.type for column in EVENTS.columns}
_DDL = ", ".join(f"{name} {_TYPES[name]}" for name in EVENT_COLUMNS)


def make_row(visitor: str, time: datetime, **fields: Any) -> dict[str, Any]:
    """A row of silver.events, as far as sessions look at it."""
    row: dict[str, Any] = dict.fromkeys(EVENT_COLUMNS)
    row |= {
        "site_id": "default",
        "visitor_id": visitor,
        "event_id": f"{visitor}/{time.timestamp():.6f}",
        "event_type": "page_view",
        "event_time": time,
        "page_path": "/",
        "source": "(direct)",
        "medium": "(none)",
        "is_conversion": False,
        "is_bot": False,
    }
    return row | fields


def sessionize(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> list[Row]:
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], _DDL)
    return (
        sessionize_events(frame, SETTINGS, THRESHOLDS)
        .orderBy("visitor_id", "session_start")
        .collect()
    )


def _every(interval_s: float, from_s: float, to_s: float) -> list[float]:
    count = int((to_s - from_s) // interval_s)
    return [from_s + number * interval_s for number in range(count + 1)]


# Visitor -> (start, seconds of the events after it, first and last event of each session).
TIMES: dict[str, tuple[datetime, list[float], list[tuple[float, float]]]] = {
    "one event": (NOON, [0], [(0, 0)]),
    "exactly the gap": (NOON, [0, 1800], [(0, 1800)]),
    "a microsecond over the gap": (NOON, [0, 1800.000001], [(0, 0), (1800.000001, 1800.000001)]),
    "gaps add up": (NOON, [0, 1800, 3600, 5400], [(0, 5400)]),
    "two visits": (NOON, [0, 10, 7200, 7260], [(0, 10), (7200, 7260)]),
    "same moment twice": (NOON, [0, 0], [(0, 0)]),
    "across midnight": (MIDNIGHT, [-600, 600], [(-600, 600)]),
    "across midnight by exactly the gap": (MIDNIGHT, [-900, 900], [(-900, 900)]),
    "across midnight by a microsecond more": (
        MIDNIGHT,
        [-900, 900.000001],
        [(-900, -900), (900.000001, 900.000001)],
    ),
    "exactly at midnight": (MIDNIGHT, [-1800, 0], [(-1800, 0)]),
    "last microsecond and midnight": (MIDNIGHT, [-0.000001, 0], [(-0.000001, 0)]),
    "20 hours across midnight": (
        MIDNIGHT,
        _every(20 * MINUTE, -10 * HOUR, 10 * HOUR),
        [(-10 * HOUR, 10 * HOUR)],
    ),
    "23 hours across midnight": (
        MIDNIGHT,
        _every(30 * MINUTE, -11 * HOUR, 12 * HOUR),
        [(-11 * HOUR, 12 * HOUR)],
    ),
    "23 hours and a microsecond across midnight": (
        MIDNIGHT,
        [*_every(30 * MINUTE, -11 * HOUR, 12 * HOUR), 12 * HOUR + 0.000001],
        [(-11 * HOUR, -1800), (0, 12 * HOUR + 0.000001)],
    ),
    "23 h 1 min across midnight": (
        MIDNIGHT,
        _every(1, -60, -60) + _every(30 * MINUTE, 0, 23 * HOUR),
        [(-60, -60), (0, 23 * HOUR)],
    ),
    "a whole day within midnights": (
        MIDNIGHT,
        _every(10 * MINUTE, 0, 24 * HOUR - 10 * MINUTE),
        [(0, 24 * HOUR - 10 * MINUTE)],
    ),
    "every 10 minutes for 3 days": (
        MIDNIGHT,
        _every(10 * MINUTE, -6 * HOUR, 66 * HOUR),
        [
            (-6 * HOUR, -10 * MINUTE),
            (0, 24 * HOUR - 10 * MINUTE),
            (24 * HOUR, 48 * HOUR - 10 * MINUTE),
            (48 * HOUR, 66 * HOUR),
        ],
    ),
    "short, a full day, short": (
        MIDNIGHT,
        [-300, *_every(30 * MINUTE, 0, 24 * HOUR - 30 * MINUTE), 24 * HOUR],
        [(-300, -300), (0, 24 * HOUR - 30 * MINUTE), (24 * HOUR, 24 * HOUR)],
    ),
    "two joined nights in a row": (
        MIDNIGHT,
        [-300, 300, 24 * HOUR - 300, 24 * HOUR + 300],
        [(-300, 300), (24 * HOUR - 300, 24 * HOUR + 300)],
    ),
}

# Visitor -> (events as seconds after NOON with fields, what is said of the one session).
CASES: dict[str, tuple[list[tuple[float, dict[str, Any]]], dict[str, Any]]] = {
    "bounce": ([(0, {})], {"is_engaged": False, "is_bounce": True, "duration_s": 0.0}),
    "engaged by exactly 10 s": (
        [(0, {}), (10, {"event_type": "scroll"})],
        {"is_engaged": True, "is_bounce": False, "duration_s": 10.0, "page_views": 1},
    ),
    "a microsecond short of 10 s": (
        [(0, {}), (9.999999, {"event_type": "scroll"})],
        {"is_engaged": False, "duration_s": 9.999999, "event_count": 2},
    ),
    "engaged by two pages": ([(0, {}), (1, {})], {"is_engaged": True, "page_views": 2}),
    "engaged by a conversion": (
        [(0, {"event_type": "custom_event", "is_conversion": True, "revenue": Decimal("1.5")})],
        {"is_engaged": True, "conversions": 1, "page_views": 0, "revenue": Decimal("1.5000")},
    ),
    "no page at all": (
        [(0, {"event_type": "click", "page_path": "/a"})],
        {"entry_page": None, "exit_page": None, "page_views": 0, "is_bounce": True},
    ),
    "entry and exit are page views": (
        [
            (0, {"event_type": "session_start", "page_path": "/start"}),
            (1, {"page_path": "/in"}),
            (2, {"page_path": "/middle"}),
            (3, {"page_path": "/out"}),
            (4, {"event_type": "session_end", "page_path": "/end"}),
        ],
        {"entry_page": "/in", "exit_page": "/out", "event_count": 5, "page_views": 3},
    ),
    "ties by event_id": (
        [
            (0, {"event_id": "b", "page_path": "/b", "user_id": "ub"}),
            (0, {"event_id": "a", "page_path": "/a", "user_id": "ua"}),
            (0, {"event_id": "c", "page_path": "/c"}),
        ],
        {"entry_page": "/a", "exit_page": "/c", "user_id": "ub"},
    ),
    "first source that is not direct": (
        [
            (0, {"campaign": "lost"}),
            (1, {"source": "news", "medium": "email", "campaign": "may"}),
            (2, {"source": "ads", "medium": "cpc"}),
        ],
        {"source": "news", "medium": "email", "campaign": "may"},
    ),
    "a source's missing campaign stays missing": (
        [(0, {"campaign": "lost"}), (1, {"source": "news", "medium": "referral"})],
        {"source": "news", "medium": "referral", "campaign": None},
    ),
    "direct": ([(0, {})], {"source": "(direct)", "medium": "(none)", "campaign": None}),
    "last known user": (
        [(0, {"user_id": "u1"}), (1, {"user_id": "u2"}), (2, {})],
        {"user_id": "u2"},
    ),
    "device and country of the first event": (
        [(0, {"browser": "Firefox"}), (1, {"browser": "Safari", "country": "NZ"})],
        {"browser": "Firefox", "country": None},
    ),
    "money is added as it is written": (
        [(number, {"is_conversion": True, "revenue": Decimal("0.1000")}) for number in range(10)],
        {"revenue": Decimal("1.0000"), "conversions": 10},
    ),
    "city of the first event": ([(0, {"city": "Ulm"}), (1, {"city": "Bern"})], {"city": "Ulm"}),
    "money of nobody": ([(0, {})], {"revenue": Decimal("0.0000"), "conversions": 0}),
    "a bot for a moment": (
        [(0, {}), (1, {"is_bot": True, "bot_reason": "fast"}), (2, {})],
        {"is_bot": True, "bot_reason": "fast"},
    ),
}


@pytest.fixture(scope="module")
def sessions(spark: SparkSession) -> dict[str, list[Row]]:
    rows = [
        make_row(visitor, at(seconds, start), event_id=f"{number:04}")
        for visitor, (start, times, _) in TIMES.items()
        for number, seconds in enumerate(times)
    ]
    rows += [
        make_row(visitor, at(seconds), **fields)
        for visitor, (events, _) in CASES.items()
        for seconds, fields in events
    ]
    found: dict[str, list[Row]] = {}
    for session in sessionize(spark, rows):
        found.setdefault(session.visitor_id, []).append(session)
    return found


@pytest.mark.parametrize("visitor", TIMES)
def test_sessions_end_where_the_gap_or_the_cut_is(
    visitor: str, sessions: dict[str, list[Row]]
) -> None:
    start, _, expected = TIMES[visitor]
    found = [(session.session_start, session.session_end) for session in sessions[visitor]]
    assert found == [
        (at(first, start).replace(tzinfo=None), at(last, start).replace(tzinfo=None))
        for first, last in expected
    ]


@pytest.mark.parametrize("visitor", CASES)
def test_a_session_is_described(visitor: str, sessions: dict[str, list[Row]]) -> None:
    (session,) = sessions[visitor]
    expected = CASES[visitor][1]
    assert {name: session[name] for name in expected} == expected


def test_session_ids_are_distinct_and_the_dates_are_those_of_the_start(
    sessions: dict[str, list[Row]],
) -> None:
    every = [session for found in sessions.values() for session in found]
    assert len({session.session_id for session in every}) == len(every)
    assert all(session.session_date == session.session_start.date() for session in every)


def test_sessions_have_exactly_the_columns_of_the_table(spark: SparkSession) -> None:
    frame = sessionize_events(spark.createDataFrame([], _DDL), SETTINGS, THRESHOLDS)
    assert frame.dtypes == [(column.name, column.type) for column in SESSIONS.columns]


def test_sites_and_visitors_are_kept_apart(spark: SparkSession) -> None:
    pairs = [("a", "v"), ("b", "v"), ("a", "v|1"), ("a|v", "1"), ("a", "V")]
    rows = [make_row(visitor, NOON, site_id=site) for site, visitor in pairs]
    found = sessionize(spark, rows)
    assert sorted((row.site_id, row.visitor_id) for row in found) == sorted(pairs)
    assert len({row.session_id for row in found}) == len(pairs)
