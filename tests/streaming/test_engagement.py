"""Engaged time of sessions and of their pages, by slots of ten seconds (docs/metrics.md).

NOON is the start of a slot. All cases go through one Spark job: every case is a visitor of its own.
"""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.streaming.records import at
from tests.streaming.test_sessionization import make_row, sessionize

# Visitor -> (events as seconds after NOON with fields, what is said of the one session).
CASES: dict[str, tuple[list[tuple[float, dict[str, Any]]], dict[str, Any]]] = {
    "engaged for a slot of ten seconds": (
        [(0, {})],
        {"engaged_time_s": 10.0, "pages": [("/", 10.0)]},
    ),
    "engaged in both slots that two events touch": (
        [(9.999999, {}), (10, {"event_type": "scroll"})],
        {"engaged_time_s": 20.0, "pages": [("/", 20.0)]},
    ),
    "engaged once in a slot however many events": (
        [(0, {}), (3, {"event_type": "scroll"}), (3, {"event_type": "click", "event_id": "x"})],
        {"engaged_time_s": 10.0, "pages": [("/", 10.0)]},
    ),
    "idle time is not engaged": (
        [(0, {}), (1200, {"event_type": "click"})],
        {"engaged_time_s": 20.0, "duration_s": 1200.0},
    ),
    "a slot counts for each page in it, and once for the session": (
        [(0, {"page_path": "/b"}), (5, {"page_path": "/a"}), (12, {"page_path": "/a"})],
        {"engaged_time_s": 20.0, "pages": [("/a", 20.0), ("/b", 10.0)]},
    ),
    "leaving is no activity": (
        [(0, {}), (600, {"event_type": "session_end"})],
        {"engaged_time_s": 10.0, "pages": [("/", 10.0)]},
    ),
    "activity on no page": (
        [(0, {}), (15, {"event_type": "custom_event", "page_path": None})],
        {"engaged_time_s": 20.0, "pages": [("/", 10.0)]},
    ),
    "nothing but leaving": (
        [(0, {"event_type": "session_end"})],
        {"engaged_time_s": 0.0, "pages": []},
    ),
}


@pytest.fixture(scope="module")
def sessions(spark: SparkSession) -> dict[str, dict[str, Any]]:
    rows = [
        make_row(visitor, at(seconds), **fields)
        for visitor, (events, _) in CASES.items()
        for seconds, fields in events
    ]
    return {row.visitor_id: row.asDict(recursive=True) for row in sessionize(spark, rows)}


@pytest.mark.parametrize("visitor", CASES)
def test_slots_with_activity_count(visitor: str, sessions: dict[str, dict[str, Any]]) -> None:
    found = sessions[visitor]
    pages = [(page["page_path"], page["engaged_s"]) for page in found["pages"]]
    expected = CASES[visitor][1]
    assert {name: (found | {"pages": pages})[name] for name in expected} == expected


def test_a_crawler_has_all_its_pages(spark: SparkSession) -> None:
    rows = [
        make_row("crawler", at(number / 10), event_id=f"{number:05}", page_path=f"/{number:05}")
        for number in range(3_000)
    ]
    (session,) = sessionize(spark, reversed(rows))
    assert session.engaged_time_s == 300
    assert [page.page_path for page in session.pages] == [f"/{n:05}" for n in range(3_000)]
    assert {page.engaged_s for page in session.pages} == {10.0}
