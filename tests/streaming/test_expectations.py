"""Flags: what may be wrong with an event that counts all the same, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from schemas.expectations import EXPECTATIONS, FLAGS, REJECTS, QualityFlag
from schemas.reject import RejectReason
from settings.model import Settings
from streaming.quality import score_quality
from streaming.silver import judge_events
from tests.streaming.records import NOON, make_event, make_record, read_bronze

AGENT = {"user_agent": "Mozilla/5.0"}


def _time(**ago: float) -> str:
    return (NOON - timedelta(**ago)).isoformat()


# Case -> (fields of the event that arrives at NOON, its flags).
CASES: dict[str, tuple[dict[str, Any], list[QualityFlag]]] = {
    "nothing wrong": (AGENT, []),
    "a second early": (
        AGENT | {"event_timestamp": _time(seconds=-1)},
        [QualityFlag.FUTURE_TIME],
    ),
    "eleven years old": (
        AGENT | {"event_timestamp": _time(days=11 * 365)},
        [QualityFlag.ABSURD_TIME],
    ),
    "nine years old": (AGENT | {"event_timestamp": _time(days=9 * 365)}, []),
    "in 2099": (
        AGENT | {"event_timestamp": "2099-01-01T00:00:00Z"},
        [QualityFlag.FUTURE_TIME, QualityFlag.ABSURD_TIME],
    ),
    "an hour behind, corrected": (
        AGENT | {"event_timestamp": _time(hours=1), "sent_timestamp": _time(hours=1)},
        [QualityFlag.CLOCK_CORRECTED],
    ),
    "an hour ahead, corrected": (
        AGENT | {"event_timestamp": _time(hours=-1), "sent_timestamp": _time(hours=-1)},
        [QualityFlag.CLOCK_CORRECTED],
    ),
    "a right clock": (
        AGENT | {"event_timestamp": _time(minutes=5), "sent_timestamp": _time(seconds=1)},
        [],
    ),
    "sent before it happened": (
        AGENT | {"event_timestamp": _time(seconds=1), "sent_timestamp": _time(seconds=2)},
        [QualityFlag.SENT_BEFORE_EVENT],
    ),
    "a width in words": (
        AGENT | {"screen_width": "wide"},
        [QualityFlag.UNREADABLE_INTEGER],
    ),
    "a consent in words": (
        AGENT | {"consent_analytics": "perhaps"},
        [QualityFlag.UNREADABLE_BOOLEAN],
    ),
    "a relative referrer": (
        AGENT | {"referrer": "/home"},
        [QualityFlag.UNREADABLE_REFERRER],
    ),
    "an app as referrer": (AGENT | {"referrer": "android-app://com.example"}, []),
    "a percent sign alone": (
        AGENT | {"page_url": "https://shop.example/?width=100%"},
        [QualityFlag.BAD_ESCAPE],
    ),
    "a long URL": (
        AGENT | {"page_url": "https://shop.example/" + "x" * 8_200},
        [QualityFlag.LONG_URL],
    ),
    "money of no country": (
        AGENT | {"currency": "coins"},
        [QualityFlag.INVALID_CURRENCY],
    ),
    "no agent": ({}, [QualityFlag.NO_USER_AGENT]),
    "a blank agent": ({"user_agent": "  "}, [QualityFlag.NO_USER_AGENT]),
}


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    records = [make_record(make_event(**fields), NOON) for fields, _ in CASES.values()]
    judged = judge_events(read_bronze(spark, records), Settings())
    scored = judged.selectExpr("offset", "reasons", "event.quality_flags AS flags")
    found = scored.selectExpr("*", f"{score_quality('flags')} AS score").collect()
    return {list(CASES)[row.offset]: row for row in found}


@pytest.mark.parametrize("case", CASES)
def test_an_event_has_exactly_its_flags_and_counts(case: str, rows: dict[str, Row]) -> None:
    assert rows[case].reasons == []
    assert rows[case].flags == [str(flag) for flag in CASES[case][1]]


def test_flags_lower_the_score_by_their_weights(rows: dict[str, Row]) -> None:
    weights = {str(flag.name): flag.weight for flag in FLAGS}
    for row in rows.values():
        assert row.score == pytest.approx(1 - sum(weights[flag] for flag in row.flags))


def test_every_flag_has_a_case_and_a_weight() -> None:
    assert {flag for _, flags in CASES.values() for flag in flags} == set(QualityFlag)
    assert all(0 < flag.weight < 1 for flag in FLAGS)


def test_expectations_are_named_once_and_explained() -> None:
    names = [str(expectation.name) for expectation in EXPECTATIONS]
    assert len(set(names)) == len(names)
    assert all(expectation.help.endswith(".") for expectation in EXPECTATIONS)
    # What Bronze already sees is no expectation of an event: there is none to expect it of.
    declared = {RejectReason(rule.name) for rule in REJECTS}
    assert set(RejectReason) - declared == {
        RejectReason.TOMBSTONE,
        RejectReason.EMPTY,
        RejectReason.TOO_LARGE,
        RejectReason.NOT_UTF8,
        RejectReason.BYTE_ORDER_MARK,
        RejectReason.TOO_DEEP,
        RejectReason.NOT_JSON,
        RejectReason.NOT_AN_OBJECT,
        RejectReason.DUPLICATE_KEY,
    }
