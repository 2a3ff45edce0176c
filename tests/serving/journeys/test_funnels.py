"""Funnels against cases made by hand, and against another way to find the best chain.

The cases follow ClickHouse's documentation of `windowFunnel` and CONTRACT section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from serving.journeys.definitions import Funnel
from serving.journeys.funnels import build_funnel
from tests.serving.journeys.frames import ask, at, make_event, select
from tests.serving.lake import Row

START = at("2026-03-02")
HOUR_S = 3600
DAY = select("2026-03-02", "2026-03-03")


def funnel(*pages: str, **more: Any) -> Funnel:
    steps = [{"event_type": "page_view", "page_path": page} for page in pages]
    return Funnel.model_validate({"steps": steps, "window_s": HOUR_S, **more})


@dataclass(frozen=True)
class Case:
    """One visitor: `a0 b10` is page /a at minute 0, /b at minute 10, ... `took`: minutes to reach
    each step, from the beginning of the chain; empty: never began."""

    name: str
    pages: str
    took: tuple[float, ...]
    more: dict[str, Any] = field(default_factory=dict)

    def events(self) -> list[Row]:
        return [
            make_event(
                self.name,
                START + timedelta(minutes=float(page[1:])),
                page_path=f"/{page[0]}",
                campaign=self.name,
                **self.more,
            )
            for page in self.pages.split()
        ]


ABC = [
    Case("all steps in order", "a0 b10 c20", (0, 10, 20)),
    Case("only the first", "a0", (0,)),
    Case("never the first", "b0 c10", ()),
    Case("in reverse", "c0 b10 a20", (0,)),
    Case("other pages between", "x0 a1 x2 b3 x4 c5 x6", (0, 2, 4)),
    Case("a step left out", "a0 c10", (0,)),
    Case("a later step first, then again", "a0 c5 b10 c20", (0, 10, 20)),
    Case("exactly the window", "a0 b30 c60", (0, 30, 60)),
    Case("a moment over the window", "a0 b30 c60.0001", (0, 30)),
    Case("the window counts from the first step", "a0 b50 c100", (0, 50)),
    Case("only a later beginning is in time", "a0 a50 b70", (0, 20)),
    Case("a new beginning does not end a chain", "a0 b10 a50 c55", (0, 10, 55)),
    Case("the second chain gets further", "a0 b10 a50 b65 c80", (0, 10, 30)),
    Case("the first chain got further", "a0 b10 c20 a30", (0, 10, 20)),
    Case("repeated pages do no harm", "a0 a1 b2 b3 c4 c5", (0, 1, 3)),
    Case("nothing is done in time", "a0 b61 c62", (0,)),
    Case("at the same moment, in order of ids", "a0 b0 c0", (0, 0, 0)),
    Case("at the same moment, against the order of ids", "b0 a0", (0,)),
    Case("at the end of the range", "a1439 b1439.9 c1440", (0, 0.9)),
    Case("before the range", "a-1 b10", ()),
    Case("by bots", "a0 b1 c2", (), {"is_bot": True}),
    Case("without the type", "a0 b1 c2", (), {"event_type": "click"}),
]
AAB = [
    Case("once is not twice", "a0 b5", (0,)),
    Case("twice", "a0 a5", (0, 5)),
    Case("twice, then on", "a0 a5 b9", (0, 5, 9)),
    Case("the second after the last", "a0 b5 a9", (0, 9)),
    Case("three times, the nearest two", "a0 a5 a20 b30", (0, 5, 25)),
    Case("twice at the same moment", "a0 a0 b1", (0, 0, 1)),
]


def assert_cases(spark: SparkSession, definition: Funnel, cases: list[Case]) -> None:
    """One query for all: each visitor's campaign is the case's name."""
    events = [event for case in cases for event in case.events()]
    given: dict[str, list[float]] = {}
    for row in ask(spark, build_funnel(definition, DAY, "campaign"), events):
        took = given.setdefault(row["breakdown"], [])
        assert row["step"] == len(took) + 1 or row["visitors"] == 0
        if row["visitors"]:
            took.append(row["median_time_to_convert_s"] / 60)
    expected = {case.name: pytest.approx(list(case.took)) for case in cases if case.took}
    assert given == expected


def test_hand_made_cases(reading_spark: SparkSession) -> None:
    assert_cases(reading_spark, funnel("/a", "/b", "/c"), ABC)


def test_a_repeated_step_takes_an_event_of_its_own(reading_spark: SparkSession) -> None:
    assert_cases(reading_spark, funnel("/a", "/a", "/b"), AAB)


def find_best(pages: list[tuple[str, int]], steps: str, window: int) -> list[int]:
    """Another way: from each beginning, always the next event that fits. Times to reach."""
    reached: list[dict[int, int]] = [{} for _ in steps]  # by position: the latest beginning
    for begin, (page, began) in enumerate(pages):
        if page != steps[0]:
            continue
        position, place = begin, 0
        while True:
            reached[place][position] = max(began, reached[place].get(position, 0))
            place += 1
            later = range(position + 1, len(pages))
            fits = [i for i in later if place < len(steps) and pages[i][0] == steps[place]]
            if not fits or pages[fits[0]][1] - began > window:
                break
            position = fits[0]
    firsts = [min(found) if found else None for found in reached]
    return [
        pages[first][1] - found[first]
        for first, found in zip(firsts, reached, strict=True)
        if first is not None
    ]


@pytest.mark.parametrize("steps", ["abc", "aab"])
def test_random_visits_have_their_best_chain(reading_spark: SparkSession, steps: str) -> None:
    random = Random(7)
    cases = []
    for number in range(150):
        times = sorted(random.randrange(0, 200) for _ in range(random.randrange(1, 14)))
        pages = [(random.choice("aabbcx"), time) for time in times]
        took = find_best(pages, steps, HOUR_S // 60)
        text = " ".join(f"{page}{time}" for page, time in pages)
        cases.append(Case(f"visit {number}", text, tuple(took)))
    assert {len(case.took) for case in cases} == {0, 1, 2, 3}
    assert_cases(reading_spark, funnel(*(f"/{step}" for step in steps)), cases)


def visit(name: str, minutes: tuple[int, ...], **more: Any) -> list[Row]:
    return [
        make_event(name, START + timedelta(minutes=minute), page_path=f"/{page}", **more)
        for page, minute in zip("abc", minutes, strict=False)
    ]


def test_rates_and_medians(reading_spark: SparkSession) -> None:
    events = [
        *visit("v1", (0, 10, 30)),
        *visit("v2", (0, 20, 60)),
        *visit("v3", (0, 40)),
        *visit("v4", (0,)),
        *visit("v1", (0,), site_id="another"),
        *visit(None, (0, 1, 2)),  # type: ignore[arg-type]  # who gave no consent is no visitor
    ]
    definition = Funnel.model_validate(
        {
            "steps": [
                {"name": "Arrived", "page_path": "/a"},
                {"page_path": "/b"},
                {"page_path": "/c", "event_type": "page_view"},
            ],
            "window_s": HOUR_S,
        }
    )
    assert ask(reading_spark, build_funnel(definition, DAY), events) == [
        {
            "step": 1,
            "name": "Arrived",
            "visitors": 5,
            "conversion_rate": 1.0,
            "step_conversion_rate": 1.0,
            "median_time_to_convert_s": 0.0,
        },
        {
            "step": 2,
            "name": "/b",
            "visitors": 3,
            "conversion_rate": 3 / 5,
            "step_conversion_rate": 3 / 5,
            "median_time_to_convert_s": 20 * 60.0,
        },
        {
            "step": 3,
            "name": "page_view /c",
            "visitors": 2,
            "conversion_rate": 2 / 5,
            "step_conversion_rate": 2 / 3,
            "median_time_to_convert_s": 45 * 60.0,
        },
    ]


def test_breakdown_is_by_the_first_event_of_step_one(reading_spark: SparkSession) -> None:
    events = [
        *visit("first by mail", (0,), medium="mail"),
        *visit("first by mail", (5, 6), medium="search"),
        *visit("without", (0,), medium=None),
        make_event("first by mail", START - timedelta(minutes=1), page_path="/b", medium="early"),
    ]
    rows = ask(reading_spark, build_funnel(funnel("/a", "/b"), DAY, "medium"), events)
    shown = [(row["breakdown"], row["step"], row["visitors"]) for row in rows]
    assert shown == [(None, 1, 1), (None, 2, 0), ("mail", 1, 1), ("mail", 2, 1)]


def test_nobody_gives_no_rows(reading_spark: SparkSession) -> None:
    events = visit("v", (0,))
    assert ask(reading_spark, build_funnel(funnel("/b", "/c"), DAY), events) == []


def test_sites_bots_and_filters(reading_spark: SparkSession) -> None:
    events = [
        *visit("v1", (0, 1), site_id="shop", country="DE"),
        *visit("v2", (0, 1), site_id="shop", country="FR"),
        *visit("v3", (0, 1), site_id="blog", country="DE"),
        *visit("v4", (0, 1), site_id="shop", country="DE", is_bot=True),
    ]
    filters = {"site_id": "shop", "country": "DE"}

    def count_first(**more: Any) -> int:
        selection = select("2026-03-02", "2026-03-03", **more)
        return int(
            ask(reading_spark, build_funnel(funnel("/a", "/b"), selection), events)[1]["visitors"]
        )

    assert count_first() == 3
    assert count_first(filters=filters) == 1
    assert count_first(filters=filters, include_bots=True) == 2
