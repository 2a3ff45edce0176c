"""Lifecycle against lives made by hand; the definitions are PostHog's."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import SparkSession

from serving.journeys.retention import build_lifecycle
from tests.serving.journeys.frames import ask, at, make_session, select

FIRST = at("2026-01-05")
COMPLETE_UNTIL = at("2026-04-18T12:00:00")

# Days on which each visitor came, from two days before the range on.
LIVES = {
    "new, then gone": [0],
    "new, then returning": [0, 1],
    "returning from before": [-1, 0, 1, 2],
    "resurrecting": [-2, 0],
    "resurrecting after long": [-90, 3],
    "new later": [2],
    "gone before": [-1],
    "on and off": [0, 2, 4],
}


def test_lifecycle(reading_spark: SparkSession) -> None:
    sessions = [
        make_session(visitor, FIRST + timedelta(days=day, minutes=minute))
        for visitor, days in LIVES.items()
        for day in days
        for minute in (10, 700)
    ]
    sessions.append(make_session("a bot", FIRST, is_bot=True))
    statement = build_lifecycle(select("2026-01-05", "2026-01-10"), "day", at("2026-01-09T12:00"))
    rows = ask(reading_spark, statement, sessions=sessions)
    assert [tuple(row.values()) for row in rows] == [
        ("2026-01-05T00:00:00Z", 3, 1, 1, 1, True),  # dormant: "gone before"
        ("2026-01-06T00:00:00Z", 0, 2, 0, 3, True),
        ("2026-01-07T00:00:00Z", 1, 1, 1, 1, True),
        ("2026-01-08T00:00:00Z", 0, 0, 1, 3, True),
        ("2026-01-09T00:00:00Z", 0, 0, 1, 1, False),
    ]


def test_lifecycle_by_week_and_month(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2025-12-15")),
        make_session("v", at("2026-01-31")),
        make_session("v", at("2026-02-01")),
        make_session("w", at("2026-02-02")),
    ]
    months = build_lifecycle(select("2026-01-01", "2026-04-01"), "month", COMPLETE_UNTIL)
    assert [tuple(row.values()) for row in ask(reading_spark, months, sessions=sessions)] == [
        ("2026-01-01T00:00:00Z", 0, 1, 0, 0, True),
        ("2026-02-01T00:00:00Z", 1, 1, 0, 0, True),
        ("2026-03-01T00:00:00Z", 0, 0, 0, 2, True),
    ]
    weeks = build_lifecycle(select("2026-01-26", "2026-02-09"), "week", COMPLETE_UNTIL)
    assert [tuple(row.values()) for row in ask(reading_spark, weeks, sessions=sessions)] == [
        ("2026-01-26T00:00:00Z", 0, 0, 1, 0, True),
        ("2026-02-02T00:00:00Z", 1, 0, 0, 1, True),
    ]
