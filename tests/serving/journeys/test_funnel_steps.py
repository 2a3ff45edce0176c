"""Which events a step of a funnel means, and that values are bound."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession

from serving.journeys.definitions import Funnel, Step
from serving.journeys.funnels import build_funnel, match_step
from serving.queries import Statement
from serving.selection import Value
from tests.serving.journeys.frames import ask, at, make_event, select
from tests.serving.lake import Row

START = at("2026-03-02")
DAY = select("2026-03-02", "2026-03-03")

STEP_EVENTS: list[Row] = [
    {"page_path": "/products/kettle"},
    {"page_path": "/products"},
    {"page_path": "/Products/x"},
    {"page_path": None, "event_type": "custom_event", "event_name": "buy"},
    {"page_path": "/a*", "event_type": "custom_event", "event_name": "buy", "country": "DE"},
    {"page_path": "/a*", "event_type": "custom_event", "event_name": "look", "country": "FR"},
]


STEPS: list[tuple[dict[str, Any], set[int]]] = [
    ({"page_path": "/products/*"}, {0}),
    ({"page_path": "/products"}, {1}),
    ({"page_path": "/a*"}, {4, 5}),
    ({"page_path": "*"}, {0, 1, 2, 4, 5}),
    ({"page_path": "/it's :step0_name"}, set()),
    ({"event_type": "custom_event"}, {3, 4, 5}),
    ({"event_name": "buy"}, {3, 4}),
    ({"event_type": "page_view", "event_name": "buy"}, set()),
    ({"filters": {"country": "DE"}}, {4}),
    ({"event_name": "look", "filters": {"country": "DE"}}, set()),
]


def test_a_step_means_the_events_that_meet_all_it_names(reading_spark: SparkSession) -> None:
    events = [
        make_event(str(number), START, campaign=str(number), **event)
        for number, event in enumerate(STEP_EVENTS)
    ]
    args: dict[str, Value] = {}
    matches = [
        match_step(place, Step.model_validate(step), args) for place, (step, _) in enumerate(STEPS)
    ]
    sql = f"SELECT int(campaign), array({', '.join(matches)}) FROM {{silver_events}}"
    rows = ask(reading_spark, Statement(sql, args, ("silver.events",), ("event", "is_it")), events)
    for place, (step, meant) in enumerate(STEPS):
        assert {row["event"] for row in rows if row["is_it"][place]} == meant, step


def test_values_are_bound_and_every_value_is_used() -> None:
    definition = Funnel.model_validate({"steps": [{"page_path": "/it's"}, {"page_path": "/b*"}]})
    statement = build_funnel(definition, DAY)
    assert "it's" not in statement.sql
    assert all(f":{name}" in statement.sql for name in statement.args)
    assert statement.args["window_us"] == 14 * 86_400 * 1_000_000
    assert isinstance(statement.args["start"], datetime)
