"""`GET /realtime` over a lake of its own, whose events are of the last half hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyspark.sql import SparkSession

from schemas.gold import GOLD_TABLES
from schemas.silver import EVENTS, SESSIONS
from serving.app import create_app
from serving.endpoints import REALTIME_ENDPOINT
from serving.gold_reader import GoldReader
from serving.models import make_answer_model
from tests.serving.fakes import make_settings
from tests.serving.lake import Row, append_gold, read_rows, table_path


@cache
def make_now() -> list[Row]:
    """One event a minute for an hour, by three visitors on five pages."""
    now = datetime.now(UTC).replace(second=30, microsecond=0)
    return [
        {
            "site_id": "blog",
            "event_type": "click" if minute % 4 == 3 else "page_view",
            "event_time": (time := now - timedelta(minutes=minute)),
            "event_date": time.date(),
            "is_late": False,
            "visitor_id": f"visitor-{minute % 3}",
            "page_path": None if minute % 10 == 9 else f"/{minute % 5}",
            "source": "news.example" if minute % 2 else "(direct)",
            "country": "DE" if minute % 3 else None,
            "is_bot": minute == 2,
            "is_conversion": False,
        }
        for minute in range(60)
    ]


@pytest.fixture(scope="module")
def api(spark: SparkSession, reading_spark: SparkSession, tmp_path_factory: Any) -> Iterator[Any]:
    root = f"file://{tmp_path_factory.mktemp('now')}"
    events, sessions = read_rows(spark, EVENTS, make_now()), read_rows(spark, SESSIONS, [])
    events.write.format("delta").save(table_path(root, EVENTS.name))
    sessions.write.format("delta").save(table_path(root, SESSIONS.name))
    for table in GOLD_TABLES:
        append_gold(root, table, events if table.source == EVENTS.name else sessions)
    app = create_app(make_settings(query_timeout_s=300), GoldReader(reading_spark, root))
    with TestClient(app) as client:
        yield client


def ask(api: TestClient, **params: Any) -> Any:
    response = api.get("/realtime", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def count(answer: Any, **filters: Any) -> dict[str, Any]:
    """The events of the answer's range, by kind; views and visitors of each."""
    start, end = (datetime.fromisoformat(answer["meta"][name]) for name in ("start", "end"))
    assert end - start == timedelta(minutes=30)
    events = [
        event
        for event in make_now()
        if start <= event["event_time"] < end
        and not event["is_bot"]
        and all(event[name] == value for name, value in filters.items())
    ]
    assert 25 < len(events) < 31 or filters
    found: dict[str, Any] = {}
    for kind, column in (("page", "page_path"), ("source", "source"), ("country", "country")):
        views = Counter({event[column]: 0 for event in events if event[column] is not None})
        views.update(e[column] for e in events if e[column] and e["event_type"] == "page_view")
        found[kind] = {
            name: (len({e["visitor_id"] for e in events if e[column] == name}), number)
            for name, number in views.items()
        }
    found["minute"] = {
        event["event_time"].strftime("%Y-%m-%dT%H:%M:00Z"): (1, event["event_type"] == "page_view")
        for event in events
    }
    total = sum(event["event_type"] == "page_view" for event in events)
    found["total"] = {None: (len({event["visitor_id"] for event in events}), total)}
    return found


def by_kind(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {"minute": "bucket", "page": "page_path", "source": "source", "country": "country"}
    for row in answer["data"]:
        name = row.get(names.get(row["kind"], ""))
        numbers = (row["unique_visitors"], row["page_views"])
        found.setdefault(row["kind"], {})[name] = numbers
        others = {"bucket", "page_path", "source", "country"} - {names.get(row["kind"])}
        assert all(row[other] is None for other in others)
    return found


def test_each_kind_of_row_is_counted(api: TestClient) -> None:
    answer = ask(api)
    assert by_kind(answer) == count(answer)


def test_kinds_come_in_their_order_and_ranked_ones_by_visitors(api: TestClient) -> None:
    rows = ask(api)["data"]
    kinds = [row["kind"] for row in rows]
    assert list(dict.fromkeys(kinds)) == list(REALTIME_ENDPOINT.kinds)
    assert kinds == sorted(kinds, key=list(REALTIME_ENDPOINT.kinds).index)
    minutes = [row["bucket"] for row in rows if row["kind"] == "minute"]
    assert minutes == sorted(minutes)
    assert len(minutes) >= 28
    pages = [(-row["unique_visitors"], -row["page_views"]) for row in rows if row["page_path"]]
    assert pages == sorted(pages)


def test_limit_is_for_ranked_kinds_only(api: TestClient) -> None:
    kinds = Counter(row["kind"] for row in ask(api, limit=2)["data"])
    assert kinds["minute"] >= 28
    assert (kinds["total"], kinds["page"], kinds["source"], kinds["country"]) == (1, 2, 2, 1)


def test_filters(api: TestClient) -> None:
    answer = ask(api, country="DE")
    assert by_kind(answer) == count(answer, country="DE")
    assert ask(api, site_id="shop")["data"] == []


def test_answer_is_as_documented(api: TestClient) -> None:
    make_answer_model(REALTIME_ENDPOINT).model_validate(ask(api), extra="forbid")


@pytest.mark.parametrize("name", ["start", "end", "interval", "offset", "page_path", "group_by"])
def test_the_range_is_fixed(api: TestClient, name: str) -> None:
    assert api.get("/realtime", params={name: "2026-01-01"}).status_code == 422
