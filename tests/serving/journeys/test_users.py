"""People: who is who, who is new, and one person's life; against rows made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from serving.journeys.profile import MAX_EVENTS, build_profile, shape_profile
from serving.journeys.users import build_users
from serving.ranges import split_range
from serving.selection import Selection
from tests.serving.journeys.frames import ask, at, make_event, make_session, select
from tests.serving.lake import Row

SESSIONS = [
    # Came long ago as a guest, and logs in much later: one person, who is not new.
    make_session("laptop", at("2025-11-01T12:00:00")),
    make_session("phone", at("2026-03-02T10:20:00")),
    make_session("phone", at("2026-03-02T10:50:00")),
    make_session("phone", at("2026-03-04T09:00:00"), user_id="anna"),
    make_session("laptop", at("2026-03-05T09:00:00"), user_id="anna"),
    # New in the range, and once more.
    make_session("guest", at("2026-03-02T10:30:00")),
    make_session("guest", at("2026-03-03T08:00:00")),
    # New after a bot's session under the same id.
    make_session("mixed", at("2026-03-01T08:00:00"), is_bot=True),
    make_session("mixed", at("2026-03-03T10:10:00")),
    make_session("robot", at("2026-03-03T10:10:00"), is_bot=True),
    make_session("shopper", at("2026-03-03T10:40:00"), site_id="shop"),
]
LATE = datetime(2027, 1, 1, tzinfo=UTC)


def ask_users(spark: SparkSession, selection: Selection) -> list[tuple[Any, ...]]:
    ranges = split_range(selection.start, selection.end, LATE)
    rows = ask(spark, build_users(selection, ranges), sessions=SESSIONS)
    return [tuple(row.values()) for row in rows]


RANGES: list[tuple[str, str, dict[str, Any], list[tuple[Any, ...]]]] = [
    ("2026-03-02", "2026-03-06", {}, [(4, 3, 1, 8 / 4)]),
    ("2026-03-02", "2026-03-03", {}, [(2, 1, 1, 3 / 2)]),
    # Parts of hours at both ends, and a range within an hour.
    ("2026-03-02T10:30:00", "2026-03-03T10:40:00", {}, [(3, 2, 1, 4 / 3)]),
    ("2026-03-02T10:31:00", "2026-03-02T10:50:00", {}, []),
    ("2026-03-02T10:31:00", "2026-03-02T10:50:01", {}, [(1, 0, 1, 1.0)]),
    ("2026-03-02T10:20:00", "2026-03-02T10:31:00", {}, [(2, 1, 1, 1.0)]),
    ("2026-03-02", "2026-03-06", {"filters": {"site_id": "shop"}}, [(1, 1, 0, 1.0)]),
    ("2026-03-02", "2026-03-06", {"include_bots": True}, [(5, 3, 2, 9 / 5)]),
    (
        "2026-03-02T10:25:00",
        "2026-03-06",
        {"interval": "day"},
        [
            ("2026-03-02T00:00:00Z", 2, 1, 1, 1.0),
            ("2026-03-03T00:00:00Z", 3, 2, 1, 1.0),
            ("2026-03-04T00:00:00Z", 1, 0, 1, 1.0),
            ("2026-03-05T00:00:00Z", 1, 0, 1, 1.0),
        ],
    ),
    ("2024-01-01", "2024-02-01", {"interval": "week"}, []),
]


@pytest.mark.parametrize(("start", "end", "more", "expected"), RANGES)
def test_users(
    reading_spark: SparkSession,
    start: str,
    end: str,
    more: dict[str, Any],
    expected: list[tuple[Any, ...]],
) -> None:
    assert ask_users(reading_spark, select(start, end, **more)) == expected


T = at("2026-03-02T10:00:00")
LIFE = [
    make_session(
        "phone",
        T,
        session_id="s1",
        source="news.example",
        medium="referral",
        channel="Referral",
        session_end=T + timedelta(minutes=10),
        conversions=1,
        revenue=Decimal("9.5"),
    ),
    make_session("phone", T + timedelta(days=1), session_id="s2", user_id="anna"),
    make_session(
        "laptop",
        at("2026-03-05T23:50:00"),
        session_id="s3",
        user_id="anna",
        source="bing",
        medium="organic",
        channel="Organic Search",
        session_end=at("2026-03-06T00:20:00"),
    ),
    make_session("laptop", at("2026-03-07T00:00:00"), session_id="s4", is_bot=True),
    make_session("stranger", T, session_id="s9"),
    make_session("phone", T, session_id="s8", site_id="another", user_id="bert"),
]
EVENTS = [
    make_event("phone", T, event_id="e1", page_path="/"),
    make_event("phone", T, event_id="e0", page_path="/first"),
    make_event("phone", T + timedelta(minutes=10), event_id="e2", event_type="scroll"),
    make_event("phone", T + timedelta(minutes=5), event_id="e9", site_id="another"),
    make_event("laptop", at("2026-03-05T23:50:00"), event_id="e3", page_path="/late"),
    make_event("laptop", at("2026-03-06T00:20:00"), event_id="e4", page_path="/early"),
    make_event("stranger", T, event_id="e5"),
]


def ask_profile(spark: SparkSession, id_: str, **more: Any) -> list[Row]:
    selection = replace(select("2026-01-01", "2026-04-01"), **more)
    statement = build_profile(id_, selection)
    rows = ask(spark, statement, EVENTS, LIFE)
    profiles: list[Row] = shape_profile(statement, [tuple(row.values()) for row in rows])
    return profiles


def test_one_person_by_any_id(reading_spark: SparkSession) -> None:
    site = {"filters": {"site_id": "default"}}
    (profile,) = ask_profile(reading_spark, "anna", **site)
    assert ask_profile(reading_spark, "laptop", **site) == [profile]
    journey = profile.pop("journey")
    assert profile == {
        "id": "anna",
        "user_id": "anna",
        "visitor_ids": ["laptop", "phone"],
        "sites": ["default"],
        "lifetime": {
            "sessions": 3,
            "engaged_sessions": 3,
            "page_views": 6,
            "conversions": 1,
            "revenue": 9.5,
            "duration_s": 900.0,
            "first_seen": "2026-03-02T10:00:00.000Z",
            "last_seen": "2026-03-06T00:20:00.000Z",
        },
        "first_touch": {
            "session_start": "2026-03-02T10:00:00.000Z",
            "source": "news.example",
            "medium": "referral",
            "campaign": None,
            "channel": "Referral",
        },
        "last_touch": {
            "session_start": "2026-03-05T23:50:00.000Z",
            "source": "bing",
            "medium": "organic",
            "campaign": None,
            "channel": "Organic Search",
        },
    }
    assert [session["session_id"] for session in journey] == ["s1", "s2", "s3"]
    events = [[event["event_id"] for event in session["events"] or ()] for session in journey]
    assert events == [["e0", "e1", "e2"], [], ["e3", "e4"]]
    assert journey[0]["events"][0] == {
        "event_time": "2026-03-02T10:00:00.000Z",
        "event_id": "e0",
        "event_type": "page_view",
        "page_path": "/first",
        "event_name": None,
        "is_conversion": None,
        "revenue": None,
    }


def test_one_person_elsewhere(reading_spark: SparkSession) -> None:
    (stranger,) = ask_profile(reading_spark, "stranger")
    assert (stranger["user_id"], stranger["first_touch"]) == (None, None)
    assert ask_profile(reading_spark, "nobody") == []
    # The latest sessions, in order; bots only when asked for.
    (profile,) = ask_profile(reading_spark, "anna", limit=2, include_bots=True)
    assert [session["session_id"] for session in profile["journey"]] == ["s3", "s4"]
    # On one site the visitor is anna, on the other bert: both are found by the visitor's id.
    found = ask_profile(reading_spark, "phone")
    journeys = [[session["session_id"] for session in one["journey"]] for one in found]
    assert [one["id"] for one in found] == ["anna", "bert"]
    assert journeys == [["s1", "s2", "s3"], ["s8"]]
    # Someone whose sessions all lie outside the range is known all the same.
    (profile,) = ask_profile(reading_spark, "stranger", start=at("2026-03-10"))
    assert (profile["lifetime"]["sessions"], profile["journey"]) == (1, [])


def test_long_sessions_are_cut(reading_spark: SparkSession) -> None:
    events = [
        make_event("stranger", T + timedelta(seconds=number), event_id=f"{number:04}")
        for number in range(MAX_EVENTS + 5)
    ]
    statement = build_profile("stranger", select("2026-01-01", "2026-04-01"))
    (row,) = ask(reading_spark, statement, events, LIFE)
    ((profile),) = shape_profile(statement, [tuple(row.values())])
    assert [event["event_id"] for event in profile["journey"][0]["events"]] == [
        f"{number:04}" for number in range(MAX_EVENTS)
    ]
