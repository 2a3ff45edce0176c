"""Paths: the page after a page, within one visit; against rows made by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pyspark.sql import SparkSession

from serving.journeys.paths import build_paths
from tests.serving.journeys.frames import ask, at, make_event, select
from tests.serving.lake import Row

START = at("2026-03-02")
DAY = select("2026-03-02", "2026-03-03")
GAP_S = 1800.0


def walk(visitor: str | None, pages: str, **more: Any) -> list[Row]:
    """`a0 b10`: page /a at minute 0, /b at minute 10; `.5` is something else at minute 5."""
    return [
        make_event(
            visitor,
            START + timedelta(minutes=float(page[1:])),
            page_path=f"/{page[0]}",
            **({"event_type": "scroll"} if page[0] == "." else {}),
            **more,
        )
        for page in pages.split()
    ]


EVENTS = [
    *walk("straight", "a0 b10 c20"),
    *walk("over the gap", "a0 b30.0001"),
    *walk("exactly the gap", "a0 b30"),
    *walk("kept alive by a scroll", "a0 .20 b45"),
    *walk("a scroll after the gap", "a0 .31 b45"),
    *walk("reload", "a0 a1 c2"),
    *walk("same moment", "a0 d0"),
    *walk("bot", "a0 b1", is_bot=True),
    *walk(None, "a0 b1"),
    *walk("straight", "a5", site_id="another"),
]


def test_next_pages(reading_spark: SparkSession) -> None:
    rows = ask(reading_spark, build_paths(DAY, "/a", GAP_S), EVENTS)
    assert [tuple(row.values()) for row in rows] == [
        ("/a", "/b", 3, 3, 3 / 9),
        ("/a", None, 3, 3, 3 / 9),
        ("/a", "/a", 1, 1, 1 / 9),
        ("/a", "/c", 1, 1, 1 / 9),
        ("/a", "/d", 1, 1, 1 / 9),
    ]


def test_all_pages_and_filters(reading_spark: SparkSession) -> None:
    rows = ask(reading_spark, build_paths(DAY, None, GAP_S), EVENTS)
    assert sum(row["views"] for row in rows) == 17
    assert sum(row["share"] for row in rows) == 4  # one per page
    site = select("2026-03-02", "2026-03-03", filters={"site_id": "another"}, include_bots=True)
    rows = ask(reading_spark, build_paths(site, None, GAP_S), EVENTS)
    assert [tuple(row.values()) for row in rows] == [("/a", None, 1, 1, 1.0)]
    later = select("2026-03-02T00:00:01", "2026-03-03")
    assert ask(reading_spark, build_paths(later, "/d", GAP_S), EVENTS) == []
