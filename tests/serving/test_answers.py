"""/pages and /sessions over real tables, against a count by hand of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.endpoints import ENDPOINTS
from serving.models import make_answer_model
from tests.serving.lake import AS_OF, COMPLETE_UNTIL, Row, make_events, make_sessions
from tests.serving.recount import count_pages, count_sessions

WHOLE = {"start": "2015-05-17", "end": "2015-05-21"}
# Read from Gold in the middle and from Silver at both ends.
UNALIGNED = {"start": "2015-05-17T10:25:02+00:00", "end": "2015-05-19T03:30:00Z"}
RANGES = {
    "whole days": WHOLE,
    "unaligned end": {"start": "2015-05-17", "end": "2015-05-18T21:59:59.999999Z"},
    "unaligned": UNALIGNED,
    "within an hour": {"start": "2015-05-17T10:05:00Z", "end": "2015-05-17T10:45:00Z"},
    "over midnight": {"start": "2015-05-17T23:30:00Z", "end": "2015-05-18T00:30:00Z"},
    "at an event": {"start": "2015-05-17T10:07:31Z", "end": "2015-05-17T12:27:37Z"},
}


def within(rows: list[Row], column: str, wanted: dict[str, str]) -> list[Row]:
    start, end = (datetime.fromisoformat(wanted[name]) for name in ("start", "end"))
    start, end = (time if time.tzinfo else time.replace(tzinfo=UTC) for time in (start, end))
    return [row for row in rows if start <= row[column] < end]


def without_bots(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row["is_bot"]]


def ask(api: TestClient, path: str, **params: Any) -> Any:
    response = api.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def assert_rows(given: list[Row], expected: list[Row]) -> None:
    assert len(given) == len(expected)
    for row, wanted in zip(given, expected, strict=True):
        assert list(row) == list(wanted)
        assert row == pytest.approx(wanted)


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_pages(api: TestClient, wanted: dict[str, str]) -> None:
    events = without_bots(within(make_events(), "event_time", wanted))
    sessions = without_bots(within(make_sessions(), "session_start", wanted))
    assert events
    assert_rows(ask(api, "/pages", **wanted)["data"], count_pages(events, sessions))


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_sessions(api: TestClient, wanted: dict[str, str]) -> None:
    sessions = without_bots(within(make_sessions(), "session_start", wanted))
    assert_rows(ask(api, "/sessions", **wanted)["data"], count_sessions(sessions))


@pytest.mark.parametrize(
    ("name", "value"),
    [("site_id", "shop"), ("device_type", "mobile"), ("country", "DE"), ("page_path", "/page/3")],
)
def test_pages_filtered(api: TestClient, name: str, value: str) -> None:
    def is_meant(row: Row, path: str) -> bool:
        return bool(row[path if name == "page_path" else name] == value)

    events = without_bots(within(make_events(), "event_time", UNALIGNED))
    sessions = without_bots(within(make_sessions(), "session_start", UNALIGNED))
    answer = ask(api, "/pages", **UNALIGNED, **{name: value})
    if name == "page_path":
        # Each side is filtered by its own page.
        views = [event for event in events if event["page_path"] == value]
        expected = [row for row in count_pages(views, sessions) if row["page_path"] == value]
    else:
        expected = count_pages(
            [event for event in events if event[name] == value],
            [session for session in sessions if session[name] == value],
        )
    assert expected
    assert_rows(answer["data"], expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("site_id", "blog"),
        ("source", "(direct)"),
        ("medium", "referral"),
        ("campaign", 'it\'s "spring" :sale'),
        ("country", "nowhere'; DROP TABLE x --"),
    ],
)
def test_sessions_filtered(api: TestClient, name: str, value: str) -> None:
    sessions = without_bots(within(make_sessions(), "session_start", UNALIGNED))
    expected = count_sessions([session for session in sessions if session[name] == value])
    assert_rows(ask(api, "/sessions", **UNALIGNED, **{name: value})["data"], expected)


def test_bots_are_counted_when_asked_for(api: TestClient) -> None:
    expected = count_pages(make_events(), make_sessions())
    assert_rows(ask(api, "/pages", **WHOLE, include_bots=True)["data"], expected)
    expected = count_sessions(make_sessions())
    assert_rows(ask(api, "/sessions", **WHOLE, include_bots=True)["data"], expected)


def start_of_hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0)


def start_of_day(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0)


def start_of_week(time: datetime) -> datetime:
    return start_of_day(time.replace(day=11 if time.day < 18 else 18))


def start_of_month(time: datetime) -> datetime:
    return start_of_day(time.replace(day=1))


@pytest.mark.parametrize(
    ("interval", "start_of"),
    [
        ("hour", start_of_hour),
        ("day", start_of_day),
        ("week", start_of_week),
        ("month", start_of_month),
    ],
)
def test_intervals(
    api: TestClient, interval: str, start_of: Callable[[datetime], datetime]
) -> None:
    sessions = without_bots(within(make_sessions(), "session_start", UNALIGNED))
    buckets = sorted({start_of(session["session_start"]) for session in sessions})
    expected = [
        {"bucket": bucket.strftime("%Y-%m-%dT%H:%M:%SZ"), **row}
        for bucket in buckets
        for row in count_sessions([s for s in sessions if start_of(s["session_start"]) == bucket])
    ]
    assert_rows(ask(api, "/sessions", **UNALIGNED, interval=interval)["data"], expected)


def test_pages_by_day_come_day_by_day(api: TestClient) -> None:
    data = ask(api, "/pages", **WHOLE, interval="day")["data"]
    assert [row["bucket"] for row in data] == sorted(row["bucket"] for row in data)
    views = sum(row["page_views"] for row in data)
    assert views == sum(row["page_views"] for row in ask(api, "/pages", **WHOLE)["data"])


def test_limit_and_offset_cut_a_stable_order(api: TestClient) -> None:
    whole = ask(api, "/pages", **WHOLE)["data"]
    assert ask(api, "/pages", **WHOLE, limit=3)["data"] == whole[:3]
    assert ask(api, "/pages", **WHOLE, limit=3, offset=3)["data"] == whole[3:6]


@pytest.mark.parametrize("path", [one.path for one in ENDPOINTS if not one.kinds])
@pytest.mark.parametrize(
    "wanted",
    [
        {"start": "2014-01-01", "end": "2014-01-02"},
        {"start": "2014-01-01T00:30:00Z", "end": "2014-01-02"},
        {"start": "2015-05-18", "end": "2015-05-18"},
        {},
    ],
    ids=["nothing there", "nothing there, unaligned", "no time at all", "default"],
)
def test_empty_ranges_give_empty_data(api: TestClient, path: str, wanted: dict[str, str]) -> None:
    assert ask(api, path, **wanted)["data"] == []


def test_meta(api: TestClient) -> None:
    meta = ask(api, "/pages", start="2015-05-17T10:30:00Z", end="2015-05-21")["meta"]
    assert meta.pop("generated_at") > "2015"
    assert meta == {
        "start": "2015-05-17T10:30:00Z",
        "end": "2015-05-21T00:00:00Z",
        "as_of": AS_OF,
        "complete_until": COMPLETE_UNTIL,
        "cache": "bypass",
        "versions": {
            "gold.pages": 0,
            "gold.entry_pages": 0,
            "gold.exit_pages": 0,
            "gold.page_engagement": 0,
            "silver.events": 0,
            "silver.sessions": 0,
        },
    }


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if not e.kinds], ids=lambda e: e.path)
@pytest.mark.parametrize("more", [{}, {"interval": "day"}], ids=["plain", "by day"])
def test_answers_are_as_documented(api: TestClient, endpoint: Any, more: dict[str, str]) -> None:
    answer = ask(api, endpoint.path, **WHOLE, **more)
    assert answer["data"]
    model = make_answer_model(endpoint).model_validate(answer, extra="forbid")
    shown = model.model_dump(mode="json", exclude_unset=True)
    assert shown["data"][0].keys() == answer["data"][0].keys()
