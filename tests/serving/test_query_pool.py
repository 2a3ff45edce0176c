"""Queries at once, in line, too long, and shared."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient

from serving.app import create_app
from serving.endpoints import ENDPOINTS
from tests.serving.fakes import FakeReader, make_settings, wait_until_ready

RANGE = {"start": "2015-05-17", "end": "2015-05-21"}


def start(reader: FakeReader, **serving: Any) -> TestClient:
    return TestClient(create_app(make_settings(**serving), reader))


def skip_warm_up(client: TestClient, reader: FakeReader) -> None:
    wait_until_ready(client)
    for _ in ENDPOINTS:
        assert reader.asked.acquire(timeout=30)
    assert reader.is_holding


def test_a_query_that_takes_too_long_is_cancelled() -> None:
    reader = FakeReader()
    with start(reader, query_timeout_s=0.3) as client:
        skip_warm_up(client, reader)
        reader.may_answer.clear()
        response = client.get("/sessions", params=RANGE)
        assert response.status_code == 504
        assert response.json()["error"]["type"] == "query_timeout"
        assert len(reader.cancelled) == 1
        reader.may_answer.set()
        assert client.get("/sessions", params=RANGE).status_code == 200


def test_one_computation_for_all_who_ask_the_same() -> None:
    reader = FakeReader()
    with start(reader) as client, ThreadPoolExecutor(5) as people:
        skip_warm_up(client, reader)
        before = _count_answers(client)
        reader.may_answer.clear()
        answers = [people.submit(client.get, "/sessions", params=RANGE) for _ in range(5)]
        assert reader.asked.acquire(timeout=30)
        # All five have been counted before the first of them is answered.
        deadline = time.monotonic() + 30
        while _count_answers(client) < before + 5:
            assert time.monotonic() < deadline
        reader.may_answer.set()
        bodies = [answer.result().json()["data"] for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert len([s for s in reader.statements if s.args["first_date"].year == 2015]) == 1


def _count_answers(client: TestClient) -> float:
    pattern = r'web_analytics_cache_answers_total\{cache="bypass",endpoint="/sessions"\} (.+)'
    counted = re.search(pattern, client.get("/metrics").text)
    return float(counted[1]) if counted else 0


def test_a_full_line_is_answered_503() -> None:
    reader = FakeReader()
    with (
        start(reader, max_concurrent_queries=1, max_queued_queries=0) as client,
        ThreadPoolExecutor(1) as people,
    ):
        skip_warm_up(client, reader)
        reader.may_answer.clear()
        first = people.submit(client.get, "/sessions", params=RANGE)
        assert reader.asked.acquire(timeout=30)
        second = client.get("/sessions", params={**RANGE, "limit": 3})
        assert second.status_code == 503
        assert second.json()["error"]["type"] == "busy"
        assert int(second.headers["Retry-After"]) >= 1
        reader.may_answer.set()
        assert first.result().status_code == 200
