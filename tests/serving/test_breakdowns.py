"""The endpoints that break down by source, device, place, measure and event, against a recount."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyspark.sql import SparkSession

from schemas.gold.performance import RATING_LIMITS, rate
from tests.serving.lake import Row, make_events, make_sessions
from tests.serving.recount import (
    count_conversions,
    count_devices,
    count_performance,
    count_places,
    count_sources,
)
from tests.serving.test_answers import RANGES, UNALIGNED, WHOLE, ask, assert_rows, within
from tests.serving.test_answers import without_bots as people

SOURCE = ("channel", "source", "medium", "campaign")
DEVICE = ("device_type", "browser", "os")


def rows_of(wanted: dict[str, str], **filters: str) -> tuple[list[Row], list[Row]]:
    """The events and sessions of people in the range that meet the filters."""
    events = people(within(make_events(), "event_time", wanted))
    sessions = people(within(make_sessions(), "session_start", wanted))
    for name, value in filters.items():
        events = [row for row in events if row.get(name) == value]
        sessions = [row for row in sessions if row.get(name) == value]
    return events, sessions


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_traffic_sources(api: TestClient, wanted: dict[str, str]) -> None:
    _, sessions = rows_of(wanted)
    assert_rows(ask(api, "/traffic-sources", **wanted)["data"], count_sources(sessions, SOURCE))


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_devices(api: TestClient, wanted: dict[str, str]) -> None:
    expected = count_devices(*rows_of(wanted), DEVICE)
    assert expected
    assert_rows(ask(api, "/devices", **wanted)["data"], expected)


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_geo(api: TestClient, wanted: dict[str, str]) -> None:
    expected = count_places(*rows_of(wanted), ("country", "city"))
    assert_rows(ask(api, "/geo", **wanted)["data"], expected)


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_conversions(api: TestClient, wanted: dict[str, str]) -> None:
    events, _ = rows_of(wanted)
    assert_rows(ask(api, "/conversions", **wanted)["data"], count_conversions(events))


@pytest.mark.parametrize("wanted", RANGES.values(), ids=RANGES)
def test_performance(api: TestClient, wanted: dict[str, str]) -> None:
    events, _ = rows_of(wanted)
    counted = [count_performance(events, metric) for metric in sorted(RATING_LIMITS)]
    found = ask(api, "/performance", **wanted)["data"]
    for row in found:
        row.pop("rating")
    assert_rows(found, [row for row in counted if row["samples"]])


def test_performance_of_pages(api: TestClient) -> None:
    events, _ = rows_of(UNALIGNED)
    found = ask(api, "/performance", **UNALIGNED, group_by="page_path")["data"]
    assert {row["page_path"] for row in found} == {f"/page/{number}" for number in range(7)}
    for row in found:
        wanted = count_performance(events, row["metric"], row["page_path"])
        assert {name: row[name] for name in wanted} == pytest.approx(wanted)
    of_one = ask(api, "/performance", **UNALIGNED, page_path="/page/3")["data"]
    assert of_one == [row for row in found if row["page_path"] == "/page/3"]


@pytest.mark.parametrize(
    ("picked", "keys"),
    [
        ("channel", ("channel",)),
        ("source,channel", ("channel", "source")),
        (["source", "channel,source"], ("channel", "source")),
    ],
)
def test_group_by_picks_columns(api: TestClient, picked: Any, keys: tuple[str, ...]) -> None:
    _, sessions = rows_of(UNALIGNED)
    found = ask(api, "/traffic-sources", **UNALIGNED, group_by=picked)["data"]
    assert_rows(found, count_sources(sessions, keys))


def test_share_is_of_all_rows_also_of_those_beyond_the_limit(api: TestClient) -> None:
    whole = ask(api, "/devices", **WHOLE, group_by="browser")["data"]
    assert sum(row["share"] for row in whole) == pytest.approx(1)
    assert ask(api, "/devices", **WHOLE, group_by="browser", limit=1)["data"] == whole[:1]
    assert whole[0]["share"] < 1


def test_share_is_of_the_interval(api: TestClient) -> None:
    by_day = ask(api, "/devices", **WHOLE, group_by="os", interval="day")["data"]
    days = {row["bucket"] for row in by_day}
    assert len(days) > 1
    for day in days:
        shares = [row["share"] for row in by_day if row["bucket"] == day]
        assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/traffic-sources", "channel", "Referral"),
        ("/traffic-sources", "country", "DE"),
        ("/devices", "device_type", "mobile"),
        ("/devices", "country", "DE"),
        ("/geo", "country", "DE"),
        ("/geo", "site_id", "shop"),
        ("/conversions", "device_type", "desktop"),
        ("/conversions", "country", "DE"),
    ],
)
def test_filters(api: TestClient, path: str, name: str, value: str) -> None:
    events, sessions = rows_of(UNALIGNED, **{name: value})
    expected = {
        "/traffic-sources": lambda: count_sources(sessions, SOURCE),
        "/devices": lambda: count_devices(events, sessions, DEVICE),
        "/geo": lambda: count_places(events, sessions, ("country", "city")),
        "/conversions": lambda: count_conversions(events),
    }[path]()
    assert expected
    assert_rows(ask(api, path, **UNALIGNED, **{name: value})["data"], expected)


def test_the_name_of_an_event_does_not_narrow_whom_the_rate_is_of(api: TestClient) -> None:
    whole = ask(api, "/conversions", **WHOLE)["data"]
    assert {row["event_name"] for row in whole} == {"signup", "custom_event"}
    signup = ask(api, "/conversions", **WHOLE, event_name="signup")["data"]
    assert signup == [row for row in whole if row["event_name"] == "signup"]


RATED = [
    ("lcp_ms", 2500, "good"),
    ("lcp_ms", 2500.5, "needs-improvement"),
    ("lcp_ms", 4000, "needs-improvement"),
    ("lcp_ms", 4000.5, "poor"),
    ("inp_ms", 200, "good"),
    ("inp_ms", 500, "needs-improvement"),
    ("inp_ms", 500.5, "poor"),
    ("cls", 0.1, "good"),
    ("cls", 0.25, "needs-improvement"),
    ("cls", 0.26, "poor"),
    ("fcp_ms", 1800, "good"),
    ("fcp_ms", 3001, "poor"),
    ("ttfb_ms", 800, "good"),
    ("ttfb_ms", 1801, "poor"),
    ("load_time_ms", 1, None),
    ("lcp_ms", None, None),
]


def test_ratings(reading_spark: SparkSession) -> None:
    """By the limits as web.dev gives them: a limit itself belongs to the better side."""
    rows = ", ".join(
        f"({number}, '{metric}', CAST({'NULL' if p75 is None else p75} AS DOUBLE))"
        for number, (metric, p75, _) in enumerate(RATED)
    )
    rated = reading_spark.sql(
        f"SELECT {rate('metric', 'p75')} FROM VALUES {rows} AS t(number, metric, p75) "
        "ORDER BY number"
    )
    assert [row[0] for row in rated.collect()] == [rating for *_, rating in RATED]
