"""Days of time zones and the period before, over real tables, against a count of the same rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from tests.serving.lake import make_events, make_sessions
from tests.serving.recount import count_sessions

Row = dict[str, Any]

WHOLE = {"start": "2015-05-17", "end": "2015-05-20"}


def ask(api: TestClient, path: str, **params: Any) -> Any:
    response = api.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def start_of(interval: str, time: datetime) -> datetime:
    """Of a local time."""
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "hour":
        return time.replace(minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def count_by(interval: str, timezone: str, start: datetime, end: datetime) -> list[Row]:
    """What /sessions must answer: plain Python over the sessions."""
    zone = ZoneInfo(timezone)
    groups: dict[datetime, list[Row]] = {}
    for row in make_sessions():
        if start <= row["session_start"] < end and not row["is_bot"]:
            local = row["session_start"].astimezone(zone)
            groups.setdefault(start_of(interval, local), []).append(row)
    return [
        {"bucket": bucket.isoformat(), **row}
        for bucket in sorted(groups)
        for row in count_sessions(groups[bucket])
    ]


@pytest.mark.parametrize(
    ("timezone", "interval"),
    [
        ("Europe/Berlin", "day"),
        ("America/Los_Angeles", "week"),
        ("Pacific/Auckland", "month"),
        ("Europe/Berlin", "hour"),
        ("Asia/Kolkata", "day"),
        ("Asia/Kathmandu", "hour"),
        ("America/St_Johns", "week"),
    ],
)
@pytest.mark.parametrize("is_local", [True, False], ids=["local dates", "unaligned"])
def test_intervals_of_a_zone(api: TestClient, timezone: str, interval: str, is_local: bool) -> None:
    zone = ZoneInfo(timezone)
    if is_local:
        given, start, end = (
            WHOLE,
            datetime(2015, 5, 17, tzinfo=zone),
            datetime(2015, 5, 20, tzinfo=zone),
        )
    else:
        start = datetime(2015, 5, 17, 10, 25, 2, tzinfo=UTC)
        end = datetime(2015, 5, 19, 3, 40, tzinfo=UTC)
        given = {"start": start.isoformat(), "end": end.isoformat()}
    answer = ask(api, "/sessions", **given, timezone=timezone, interval=interval)
    expected = count_by(interval, timezone, start, end)
    assert len(expected) > (0 if interval in ("week", "month") else 2)
    assert len(answer["data"]) == len(expected)
    for row, wanted in zip(answer["data"], expected, strict=True):
        assert row["bucket"] == wanted["bucket"]
        assert row == pytest.approx(wanted)
    assert answer["meta"]["timezone"] == timezone


def test_pages_of_a_half_hour_zone_add_up(api: TestClient) -> None:
    by_day = ask(api, "/pages", **WHOLE, timezone="Asia/Kolkata", interval="day")["data"]
    zone = ZoneInfo("Asia/Kolkata")
    views: dict[tuple[str, str], int] = {}
    for event in make_events():
        local = event["event_time"].astimezone(zone)
        if event["event_type"] == "page_view" and not event["is_bot"] and 17 <= local.day < 20:
            key = (start_of("day", local).isoformat(), event["page_path"])
            views[key] = views.get(key, 0) + 1
    given = {(row["bucket"], row["page_path"]): row["page_views"] for row in by_day}
    assert {key: count for key, count in given.items() if count} == views


def find_sessions(start: datetime, end: datetime) -> list[Row]:
    return [
        row for row in make_sessions() if start <= row["session_start"] < end and not row["is_bot"]
    ]


def test_the_period_before(api: TestClient) -> None:
    middle = datetime(2015, 5, 18, 10, 20, tzinfo=UTC)
    start, end = middle - timedelta(hours=20), middle + timedelta(hours=20)
    answer = ask(
        api, "/sessions", start=middle.isoformat(), end=end.isoformat(), compare="previous"
    )
    now, before = (
        count_sessions(find_sessions(*period))[0] for period in ((middle, end), (start, middle))
    )
    (row,) = answer["data"]
    assert row["sessions"] == now["sessions"]
    for name, value in before.items():
        assert row[name] == pytest.approx(now[name])
        assert row[f"{name}_previous"] == pytest.approx(value)
        assert row[f"{name}_change"] == pytest.approx((now[name] - value) / value)
    assert list(row)[: len(now)] == list(now)
    assert answer["meta"]["compare"] == {
        "start": start.isoformat().replace("+00:00", "Z"),
        "end": answer["meta"]["start"],
    }


def test_each_page_is_compared_with_itself(api: TestClient) -> None:
    given = {"start": "2015-05-18", "end": "2015-05-19"}
    plain = ask(api, "/pages", **given)["data"]
    earlier = ask(api, "/pages", start="2015-05-17", end="2015-05-18", limit=10_000)["data"]
    before = {row["page_path"]: row["page_views"] for row in earlier}
    compared = ask(api, "/pages", **given, compare="previous", limit=3, offset=1)["data"]
    assert [row["page_path"] for row in compared] == [row["page_path"] for row in plain[1:4]]
    for row in compared:
        assert row["page_views_previous"] == before.get(row["page_path"], 0)


def test_what_was_not_there_before_has_no_change(api: TestClient) -> None:
    given = {"start": "2015-05-17", "end": "2015-05-18", "compare": "previous"}
    rows = ask(api, "/pages", **given)["data"]
    assert rows
    for row in rows:
        assert row["page_views_previous"] == 0
        assert row["page_views_change"] is None
        assert row["bounce_rate_previous"] is None


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_the_nth_day_is_compared_with_the_nth(api: TestClient, timezone: str) -> None:
    given = {"timezone": timezone, "interval": "day"}
    later = ask(
        api, "/sessions", start="2015-05-18", end="2015-05-20", **given, compare="previous"
    )["data"]
    earlier = ask(api, "/sessions", start="2015-05-16", end="2015-05-18", **given)["data"]
    sessions = {row["bucket"][:10]: row["sessions"] for row in earlier}
    assert [row["bucket"][:10] for row in later] == ["2015-05-18", "2015-05-19"]
    assert [row["sessions_previous"] for row in later] == [
        sessions.get("2015-05-16", 0),
        sessions["2015-05-17"],
    ]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/traffic-sources", {}), ("/devices", {"group_by": "os"}), ("/geo", {}),
        ("/conversions", {}), ("/performance", {}), ("/pages", {"interval": "week"}),
        ("/traffic-sources", {"interval": "hour", "timezone": "Asia/Kolkata"}),
    ],
)  # fmt: skip
def test_every_endpoint_compares(api: TestClient, path: str, more: dict[str, str]) -> None:
    given = {"start": "2015-05-18", "end": "2015-05-19T12:20:00Z", **more}
    plain = ask(api, path, **given)["data"]
    compared = ask(api, path, **given, compare="previous")["data"]
    assert plain
    assert [{name: row[name] for name in plain[0]} for row in compared] == [
        pytest.approx(row) for row in plain
    ]
    assert all(any(name.endswith("_previous") for name in row) for row in compared)
