"""The questions of `bench.queries`: each path in turn, and never the same range twice."""

from __future__ import annotations

import json
from collections import Counter

import httpx

from bench.queries import QUESTIONS, measure, render

TIMES, WARMUP = 3, 2


def test_each_question_is_asked_as_often_and_of_another_range_each_time() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"rows": [["visitor-1"]]})

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://api") as client:
        measured = measure(client, 7, TIMES, WARMUP)

    assert measured.keys() == {question.name for question in QUESTIONS}
    assert {one["samples"] for one in measured.values()} == {TIMES}
    asked = asked[1:]  # who there is
    assert len(asked) == len(QUESTIONS) * (TIMES + WARMUP)
    assert sum(request.url.path == "/users/visitor-1" for request in asked) == TIMES + WARMUP
    ranges = Counter(
        (str(request.url), request.content) for request in asked if _has_range(request)
    )
    assert set(ranges.values()) == {1}


def _has_range(request: httpx.Request) -> bool:
    if request.method == "POST":
        return "bucket >= '20" in json.loads(request.content)["sql"]
    return "start" in request.url.params


def test_the_table_says_what_misses_the_target() -> None:
    text = render({"/quick": {"p50": 149.6, "p95": 400.0}, "/slow": {"p50": 900.0, "p95": 501.0}})
    assert text.splitlines()[2:] == [
        "| `/slow` | **900 ms** | **501 ms** |",
        "| `/quick` | 150 ms | 400 ms |",
    ]
