"""Retention against cases made by hand, all of them in one query.

The definition is Amplitude's N-day retention by strict calendar dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from serving.journeys.conditions import floor_period
from serving.journeys.retention import build_retention
from tests.serving.journeys.frames import ask, at, make_session, select
from tests.serving.lake import Row

FIRST = at("2026-01-05")
RANGE = select("2026-01-05", "2026-04-20T10:30:00")
COMPLETE_UNTIL = at("2026-04-18T12:00:00")


@dataclass(frozen=True)
class Case:
    """Sessions as (visitor, days after the cohort's, minute of the day, what else is known).

    `came`: people by period, for each cohort by its distance from the case's own day.
    """

    name: str
    sessions: list[tuple[str, int, float, dict[str, Any]]]
    came: dict[int, dict[int, int]]
    size: dict[int, int] = field(default_factory=dict)


def once(visitor: str, day: int, minute: float = 600, **more: Any) -> Any:
    return visitor, day, minute, more


CASES = [
    Case("came once", [once("v", 0)], {0: {0: 1}}),
    Case("came the next day", [once("v", 0), once("v", 1)], {0: {0: 1, 1: 1}}),
    Case("twice a day is one", [once("v", 0), once("v", 0, 900)], {0: {0: 1}}),
    Case("came on the third day only", [once("v", 0), once("v", 3)], {0: {0: 1, 3: 1}}),
    Case(
        "a calendar day, not 24 hours",
        [once("v", 0, 1439.999), once("v", 1, 0)],
        {0: {0: 1, 1: 1}},
    ),
    Case("midnight begins the day", [once("v", 0, 0), once("v", 2, 0)], {0: {0: 1, 2: 1}}),
    Case(
        "one of two came again",
        [once("v", 0), once("w", 0), once("w", 2)],
        {0: {0: 2, 2: 1}},
        {0: 2},
    ),
    Case("two cohorts", [once("v", 0), once("w", 1), once("v", 1)], {0: {0: 1, 1: 1}, 1: {0: 1}}),
    Case("first came before the range", [once("v", -200), once("v", 0), once("v", 1)], {}),
    Case("bots are nobody", [once("v", 0, is_bot=True), once("v", 1, is_bot=True)], {}),
    Case(
        "a bot's session is not the first", [once("v", 0, is_bot=True), once("v", 2)], {2: {0: 1}}
    ),
    Case(
        "one user on two devices",
        [once("v", 0, user_id="u-two"), once("w", 3, user_id="u-two")],
        {0: {0: 1, 3: 1}},
    ),
    Case(
        "who logs in was that user before",
        [once("v", 0, user_id="u-back"), once("w", 1), once("w", 2, user_id="u-back")],
        {0: {0: 1, 1: 1, 2: 1}},
    ),
    Case(
        "a login long ago still tells",
        [once("v", -200, user_id="u-old"), once("w", 0), once("w", 1, user_id="u-old")],
        {},
    ),
    Case(
        "the latest login counts",
        [once("v", 0, user_id="u-a"), once("v", 1, user_id="u-b"), once("w", 2, user_id="u-b")],
        {0: {0: 1, 1: 1, 2: 1}},
    ),
    Case(
        "two users with one visitor id after another are one",
        [once("v", 0, user_id="u-x"), once("w", 1, user_id="u-x"), once("v", 2, user_id="u-y")],
        {0: {0: 1, 2: 1}, 1: {0: 1}},
    ),
    Case("the id alone makes no user", [once("v", 0), once("w", 1)], {0: {0: 1}, 1: {0: 1}}),
    Case(
        "known by user_id only",
        [once("u-only", 0, user_id="u-only"), once("w", 1, user_id="u-only")],
        {0: {0: 1, 1: 1}},
    ),
    Case(
        "the same id on two sites is one",
        [once("v", 0), once("v", 1, site_id="another")],
        {0: {0: 1, 1: 1}},
    ),
    Case(
        "a session over midnight came when it began",
        [once("v", 0, 1435, duration_s=1200.0)],
        {0: {0: 1}},
    ),
]
# Far enough apart that no case reaches into another's days.
SPACING = 5


def list_sessions(cases: list[Case]) -> list[Row]:
    return [
        make_session(
            visitor if visitor.startswith("u-") else f"{visitor} of {case.name}",
            FIRST + timedelta(days=number * SPACING + day, minutes=minute),
            **more,
        )
        for number, case in enumerate(cases)
        for visitor, day, minute, more in case.sessions
    ]


def test_hand_made_cases(reading_spark: SparkSession) -> None:
    statement = build_retention(RANGE, "day", COMPLETE_UNTIL)
    rows = ask(reading_spark, statement, sessions=list_sessions(CASES))
    sizes: dict[str, int] = {}
    given: dict[str, dict[int, int]] = {}
    for row in rows:
        sizes[row["cohort"]] = row["size"]
        assert row["rate"] == row["visitors"] / row["size"]
        if row["visitors"]:
            given.setdefault(row["cohort"], {})[row["period"]] = row["visitors"]
    expected, expected_sizes = {}, {}
    for number, case in enumerate(CASES):
        for day, came in case.came.items():
            cohort = f"{FIRST + timedelta(days=number * SPACING + day):%Y-%m-%d}"
            expected[cohort] = came
            expected_sizes[cohort] = case.size.get(day, 1)
    assert given == expected
    assert sizes == expected_sizes


def test_every_period_is_there_and_says_whether_it_is_over(reading_spark: SparkSession) -> None:
    sessions = [make_session("v", at("2026-04-16T09:00:00"))]
    rows = ask(reading_spark, build_retention(RANGE, "day", COMPLETE_UNTIL), sessions=sessions)
    assert [(row["period"], row["visitors"], row["complete"]) for row in rows] == [
        (0, 1, True),
        (1, 0, True),
        (2, 0, False),
        (3, 0, False),
        (4, 0, False),
    ]


def test_a_period_that_the_range_cuts_is_not_over(reading_spark: SparkSession) -> None:
    sessions = [make_session("v", at("2026-01-05")), make_session("v", at("2026-01-06T11:00:00"))]
    cut = select("2026-01-05", "2026-01-06T12:00:00")
    rows = ask(reading_spark, build_retention(cut, "day", COMPLETE_UNTIL), sessions=sessions)
    assert [(row["visitors"], row["complete"]) for row in rows] == [(1, True), (1, False)]


def test_nothing_is_over_while_nobody_says_what_is_closed(reading_spark: SparkSession) -> None:
    sessions = [make_session("v", at("2026-01-05"))]
    rows = ask(reading_spark, build_retention(RANGE, "month", None), sessions=sessions)
    assert {row["complete"] for row in rows} == {False}


def test_the_end_of_the_range_is_exact(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-04-19T10:00:00")),
        make_session("v", at("2026-04-20T10:29:59")),
        make_session("w", at("2026-04-19T10:00:00")),
        make_session("w", at("2026-04-20T10:30:00")),
    ]
    rows = ask(reading_spark, build_retention(RANGE, "day", COMPLETE_UNTIL), sessions=sessions)
    assert [(row["size"], row["visitors"]) for row in rows] == [(2, 2), (2, 1)]


def test_weeks_are_iso_weeks_also_over_the_year(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2025-12-31T10:00:00")),  # a Wednesday
        make_session("v", at("2026-01-04T23:59:00")),  # the Sunday of that week
        make_session("v", at("2026-01-05T00:00:00")),  # the next Monday
        make_session("w", at("2026-01-04T12:00:00")),
        make_session("w", at("2026-01-19T12:00:00")),
    ]
    weeks = select("2025-12-29", "2026-01-20")
    rows = ask(reading_spark, build_retention(weeks, "week", COMPLETE_UNTIL), sessions=sessions)
    assert [tuple(row.values()) for row in rows] == [
        ("2025-12-29", 2, 0, 2, 1.0, True),
        ("2025-12-29", 2, 1, 1, 0.5, True),
        ("2025-12-29", 2, 2, 0, 0.0, True),
        ("2025-12-29", 2, 3, 1, 0.5, False),
    ]


def test_months_are_calendar_months(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-01-31T23:00:00")),
        make_session("v", at("2026-02-01T00:00:00")),
        make_session("v", at("2026-03-31T00:00:00")),
        make_session("w", at("2026-02-28T00:00:00")),
    ]
    months = select("2026-01-01", "2026-04-01")
    rows = ask(reading_spark, build_retention(months, "month", COMPLETE_UNTIL), sessions=sessions)
    assert [(row["cohort"], row["period"], row["visitors"]) for row in rows] == [
        ("2026-01-01", 0, 1),
        ("2026-01-01", 1, 1),
        ("2026-01-01", 2, 1),
        ("2026-02-01", 0, 1),
        ("2026-02-01", 1, 0),
    ]


def test_sites_and_bots(reading_spark: SparkSession) -> None:
    sessions = [
        make_session("v", at("2026-01-05"), site_id="shop"),
        make_session("w", at("2026-01-05"), site_id="blog"),
        make_session("x", at("2026-01-05"), site_id="shop", is_bot=True),
    ]

    def count(**more: Any) -> int:
        selection = select("2026-01-05", "2026-01-06", **more)
        statement = build_retention(selection, "day", COMPLETE_UNTIL)
        return int(ask(reading_spark, statement, sessions=sessions)[0]["size"])

    assert count() == 2
    assert count(filters={"site_id": "shop"}) == 1
    assert count(filters={"site_id": "shop"}, include_bots=True) == 2


@pytest.mark.parametrize(
    ("time", "day", "week", "month"),
    [
        ("2026-03-04T10:30:00.5", "2026-03-04", "2026-03-02", "2026-03-01"),
        ("2026-03-02T00:00:00", "2026-03-02", "2026-03-02", "2026-03-01"),
        ("2026-03-01T23:59:59", "2026-03-01", "2026-02-23", "2026-03-01"),
        ("2027-01-01T00:00:00", "2027-01-01", "2026-12-28", "2027-01-01"),
    ],
)
def test_starts_of_periods(time: str, day: str, week: str, month: str) -> None:
    moment: datetime = at(time)
    assert floor_period(moment, "day") == at(day)
    assert floor_period(moment, "week") == at(week)
    assert floor_period(moment, "month") == at(month)
