"""The paths about people over real tables, against a count by hand of the same rows."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from serving.journeys import models
from tests.serving.lake import COMPLETE_UNTIL, Row, make_events, make_sessions
from tests.serving.test_answers import UNALIGNED, WHOLE, ask, within, without_bots


def who(session: Row) -> str:
    return (
        "user-one" if session["visitor_id"] in ("visitor-1", "visitor-2") else session["visitor_id"]
    )


def count_users(sessions: list[Row]) -> Row:
    firsts: dict[str, datetime] = {}
    for session in without_bots(make_sessions()):
        start = session["session_start"]
        firsts[who(session)] = min(start, firsts.get(who(session), start))
    people = {who(session) for session in sessions}
    new = sum(
        any(session["session_start"] == firsts[person] for session in sessions) for person in people
    )
    return {
        "users": len(people),
        "new_users": new,
        "returning_users": len(people) - new,
        "sessions_per_user": len(sessions) / len(people),
    }


@pytest.mark.parametrize("wanted", [WHOLE, UNALIGNED], ids=["whole", "unaligned"])
def test_users(api: TestClient, wanted: dict[str, str]) -> None:
    sessions = without_bots(within(make_sessions(), "session_start", wanted))
    assert ask(api, "/users", **wanted)["data"] == [pytest.approx(count_users(sessions))]


def test_users_by_day(api: TestClient) -> None:
    answer = ask(api, "/users", **UNALIGNED, interval="day")
    sessions = without_bots(within(make_sessions(), "session_start", UNALIGNED))
    days = sorted({session["session_date"] for session in sessions})
    assert answer["data"] == [
        {
            "bucket": f"{day}T00:00:00Z",
            **pytest.approx(
                count_users([session for session in sessions if session["session_date"] == day])
            ).expected,
        }
        for day in days
    ]


def test_one_user(api: TestClient) -> None:
    wanted = {"start": "2015-05-18", "end": "2015-05-21"}
    (profile,) = ask(api, "/users/user-one", **wanted)["data"]
    sessions = [s for s in without_bots(make_sessions()) if who(s) == "user-one"]
    assert profile["visitor_ids"] == ["visitor-1", "visitor-2"]
    assert profile["lifetime"]["sessions"] == len(sessions)
    shown = [s["session_id"] for s in within(sessions, "session_start", wanted)]
    assert [session["session_id"] for session in profile["journey"]] == shown
    assert ask(api, "/users/visitor-2", **wanted)["data"] == [profile]


def find_paths() -> dict[str, list[Row]]:
    walks: defaultdict[str, list[Row]] = defaultdict(list)
    for event in without_bots(make_events()):
        walks[f"{event['site_id']} {event['visitor_id']}"].append(event)
    return walks


def test_ad_hoc_funnel(api: TestClient) -> None:
    first, then = 0, 0
    for events in find_paths().values():
        starts = [e["event_time"] for e in events if e["page_path"] == "/page/0"]
        ends = [e["event_time"] for e in events if e["page_path"] == "/page/2"]
        first += bool(starts)
        then += any(
            timedelta() < end - start <= timedelta(hours=20) for start in starts for end in ends
        )
    assert first > then > 0
    steps = [{"name": "One", "page_path": "/page/0"}, {"page_path": "/page/2"}]
    response = api.post("/funnels", params=WHOLE, json={"steps": steps, "window_s": 72_000})
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert [(row["step"], row["name"], row["visitors"]) for row in data] == [
        (1, "One", first),
        (2, "/page/2", then),
    ]
    assert data[1]["conversion_rate"] == pytest.approx(then / first)


def test_named_funnels(api: TestClient) -> None:
    listed = api.get("/funnels").json()["data"]
    assert [funnel["name"] for funnel in listed] == ["purchase", "signup"]
    # Nobody in this lake does any of this.
    for funnel in listed:
        assert ask(api, f"/funnels/{funnel['name']}", **WHOLE)["data"] == []


def test_retention(api: TestClient) -> None:
    came: defaultdict[str, set[Any]] = defaultdict(set)
    for session in without_bots(make_sessions()):
        came[who(session)].add(session["session_date"])
    closed = datetime.fromisoformat(COMPLETE_UNTIL).date()
    expected = []
    for cohort in sorted({min(days) for days in came.values()}):
        lives = [days for days in came.values() if min(days) == cohort]
        for period in range(20 - cohort.day + 1):
            day = cohort + timedelta(days=period)
            visitors = sum(day in days for days in lives)
            expected.append(
                {
                    "cohort": str(cohort),
                    "size": len(lives),
                    "period": period,
                    "visitors": visitors,
                    "rate": visitors / len(lives),
                    "complete": day < closed,
                }
            )
    # A range that begins within a day is answered from the day's beginning.
    answer = ask(api, "/retention", start="2015-05-17T23:00:00Z", end="2015-05-21")
    assert answer["data"] == expected
    assert answer["meta"]["start"] == "2015-05-17T00:00:00Z"
    assert {row["complete"] for row in expected} == {True, False}


def test_lifecycle_counts_whom_users_counts(api: TestClient) -> None:
    rows = ask(api, "/lifecycle", **WHOLE)["data"]
    by_day = ask(api, "/users", **WHOLE, interval="day")["data"]
    assert [row["new"] for row in rows] == [row["new_users"] for row in by_day] + [0] * (
        len(rows) - len(by_day)
    )
    active = [row["new"] + row["returning"] + row["resurrecting"] for row in rows]
    assert active[: len(by_day)] == [row["users"] for row in by_day]


def test_attribution_adds_up_to_the_sessions(api: TestClient) -> None:
    (total,) = ask(api, "/sessions", **UNALIGNED)["data"]
    for model in ("first", "last", "linear", "position"):
        rows = ask(api, "/attribution", **UNALIGNED, model=model, group_by="source,campaign")[
            "data"
        ]
        assert sum(row["conversions"] for row in rows) == pytest.approx(total["conversions"])
        assert sum(row["revenue"] for row in rows) == pytest.approx(total["revenue"])
        assert list(rows[0]) == ["source", "campaign", "conversions", "revenue"]


def test_paths(api: TestClient) -> None:
    views: defaultdict[str | None, int] = defaultdict(int)
    for events in find_paths().values():
        for event, after in zip(events, [*events[1:], None], strict=True):
            if event["event_type"] != "page_view" or event["page_path"] != "/page/3":
                continue
            gap = after["event_time"] - event["event_time"] if after else timedelta.max
            views[after["page_path"] if after and gap <= timedelta(minutes=30) else None] += 1
    rows = ask(api, "/paths", **WHOLE, page_path="/page/3")["data"]
    assert {row["next_page"]: row["views"] for row in rows} == dict(views)


ANSWERS: list[tuple[str, dict[str, str], type[BaseModel]]] = [
    ("/users", {"interval": "day"}, models.UsersRow),
    ("/users/visitor-3", {}, models.ProfileRow),
    ("/retention", {"interval": "week"}, models.RetentionRow),
    ("/lifecycle", {"interval": "month"}, models.LifecycleRow),
    ("/paths", {}, models.PathRow),
    ("/attribution", {}, models.AttributionRow),
]


@pytest.mark.parametrize(("path", "more", "row"), ANSWERS, ids=lambda value: str(value))
def test_answers_are_as_documented(
    api: TestClient, path: str, more: dict[str, str], row: type[BaseModel]
) -> None:
    answer = ask(api, path, **WHOLE, **more)
    assert answer["data"]
    models.Answer[row].model_validate(answer, extra="forbid")  # type: ignore[valid-type]


def test_every_documented_example_runs(api: TestClient) -> None:
    document = api.get("/openapi.json").json()
    examples = 0
    for operations in document["paths"].values():
        for operation in operations.values():
            if "people" not in operation.get("tags", ()):
                continue
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in body.get("examples", {}).values():
                assert api.post("/funnels", json=example["value"]).status_code == 200
                examples += 1
            found = re.search(r"Example: `GET ([^`]+)`", operation["description"])
            assert bool(found) != bool(body)
            if found:
                assert api.get(found.group(1)).status_code == 200, found.group(1)
                examples += 1
    assert examples == 9


@pytest.mark.parametrize(
    "path", ["/users", "/retention", "/lifecycle", "/paths", "/attribution", "/funnels/signup"]
)
def test_empty_ranges_give_empty_data(api: TestClient, path: str) -> None:
    assert ask(api, path, start="2014-01-01", end="2014-01-02")["data"] == []
    moment = "2015-05-18T10:00:00Z"
    assert ask(api, path, start=moment, end=moment)["data"] == []
