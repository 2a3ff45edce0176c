"""The statement that is made from a selection: pure text, no Spark."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from serving.comparison import compare_periods
from serving.endpoints import (
    CONVERSIONS_ENDPOINT,
    DEVICES_ENDPOINT,
    ENDPOINTS,
    PAGES_ENDPOINT,
    PERFORMANCE_ENDPOINT,
    SESSIONS_ENDPOINT,
    Endpoint,
)
from serving.queries import build_statement
from serving.ranges import split_range
from serving.selection import Selection

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2015, 5, 17, 10, 30, tzinfo=UTC)
END = datetime(2015, 5, 18, 12, 15, tzinfo=UTC)
MIDNIGHT = datetime(2015, 5, 19, tzinfo=UTC)
# The other endpoints have one range, and no intervals.
OF_RANGES = [endpoint for endpoint in ENDPOINTS if not endpoint.kinds]


def select(start: datetime = START, end: datetime = END, **more: object) -> Selection:
    return Selection(start=start, end=end, limit=10, offset=20, **more)


def build(endpoint: Endpoint, selection: Selection):
    return build_statement(endpoint, selection, split_range(selection.start, selection.end, NOW))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_partials_of_an_endpoint_have_names_of_their_own(endpoint: Endpoint) -> None:
    stored = [name for table in endpoint.tables for name in table.stored]
    assert len(stored) == len(set(stored))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_every_column_is_declared(endpoint: Endpoint) -> None:
    assert endpoint.all_metrics.keys() == set(endpoint.columns)
    assert not endpoint.metrics.keys() & {metric.name for metric in endpoint.derived}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_dimensions_and_filters_are_those_of_the_tables(endpoint: Endpoint) -> None:
    everywhere = set.intersection(*(set(table.dimensions) for table in endpoint.tables))
    # Conversions have names; all visitors, whom the rate is of, have none.
    only_somewhere = {"event_name"} if endpoint is CONVERSIONS_ENDPOINT else set()
    assert {*endpoint.dimensions, *endpoint.filters} - only_somewhere <= everywhere
    assert endpoint.kept_apart <= set(endpoint.group_by)
    assert len({table.grain for table in endpoint.tables}) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_every_marker_is_bound_and_every_value_is_used(endpoint: Endpoint) -> None:
    statement = build(endpoint, select(filters={"site_id": "x'; --"}, interval="day"))
    sql_without_texts = statement.sql.replace(r"\'T\'HH:mm:ss\'Z\'", "")
    assert set(re.findall(r":(\w+)", sql_without_texts)) == statement.args.keys()
    assert "x'" not in statement.sql


def test_whole_hours_are_read_from_gold_alone() -> None:
    statement = build(PAGES_ENDPOINT, select(START.replace(minute=0), MIDNIGHT))
    assert statement.tables == tuple(table.name for table in PAGES_ENDPOINT.tables)
    assert statement.args["first_date"] == date(2015, 5, 17)
    assert statement.args["last_date"] == date(2015, 5, 18)


def test_parts_of_hours_are_read_from_silver_too() -> None:
    statement = build(SESSIONS_ENDPOINT, select())
    assert statement.tables == ("gold.sessions", "silver.sessions")
    assert statement.args["edge0_start"] == START
    assert statement.args["edge1_end"] == END
    assert "session_date IN (:edge0_date, :edge1_date)" in statement.sql


def test_range_within_an_hour_is_read_from_silver_alone() -> None:
    statement = build(PAGES_ENDPOINT, select(START, START.replace(minute=40)))
    assert statement.tables == ("silver.events", "silver.sessions")


def test_bots_are_left_out_unless_asked_for() -> None:
    assert "NOT is_bot" in build(SESSIONS_ENDPOINT, select()).sql
    assert "is_bot" not in build(SESSIONS_ENDPOINT, select(include_bots=True)).sql


def test_interval_adds_the_bucket() -> None:
    assert build(SESSIONS_ENDPOINT, select(interval="week")).columns[0] == "bucket"
    assert "date_trunc('WEEK', moment)" in build(SESSIONS_ENDPOINT, select(interval="week")).sql
    assert "bucket" not in build(SESSIONS_ENDPOINT, select()).columns


def test_sites_are_bound_in_every_part() -> None:
    statement = build(PAGES_ENDPOINT, select(sites=("blog", "x'; --")))
    assert statement.args["site0"] == "blog"
    assert statement.args["site1"] == "x'; --"
    assert "x'" not in statement.sql
    reads = statement.sql.split("FROM {")[1:]
    assert len(reads) == 2 * len(PAGES_ENDPOINT.tables)
    assert all("site_id IN (:site0, :site1)" in read for read in reads)
    assert "IN (:site" not in build(PAGES_ENDPOINT, select()).sql


def test_no_site_at_all_is_nothing_rather_than_everything() -> None:
    reads = build(PAGES_ENDPOINT, select(sites=())).sql.split("FROM {")[1:]
    assert all(" AND false" in read for read in reads)


def test_group_by_leaves_out_what_was_not_picked() -> None:
    columns = build(DEVICES_ENDPOINT, select(group_by=("os", "device_type"))).columns
    assert columns[:3] == ("device_type", "os", "sessions")


def test_optional_dimensions_are_null_unless_picked_or_filtered_by() -> None:
    null = "CAST(NULL AS STRING) AS page_path"
    for selection, is_null in (
        (select(), True),
        (select(group_by=("page_path",)), False),
        (select(filters={"page_path": "/"}), False),
    ):
        statement = build(PERFORMANCE_ENDPOINT, selection)
        assert statement.columns[:3] == ("metric", "page_path", "samples")
        assert (null in statement.sql) is is_null


@pytest.mark.parametrize("endpoint", OF_RANGES, ids=lambda endpoint: endpoint.path)
@pytest.mark.parametrize("timezone", [None, "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("interval", [None, "hour", "day", "month"])
def test_every_marker_is_bound_in_every_zone_and_comparison(
    endpoint: Endpoint, timezone: str | None, interval: str | None
) -> None:
    selection = select(
        timezone=timezone,
        interval=interval,
        sites=("blog",),
        previous=(START - timedelta(days=1), START),
    )
    ranges = split_range(selection.start, selection.end, NOW)
    for statement in (
        build_statement(endpoint, selection, ranges),
        compare_periods(endpoint, selection, ranges),
    ):
        sql = statement.sql.replace(r"\'T\'HH:mm:ss\'Z\'", "")
        assert set(re.findall(r":(\w+)", sql)) == statement.args.keys()
        assert len(set(statement.columns)) == len(statement.columns)


def test_hours_that_two_days_share_are_read_from_silver() -> None:
    whole = (START.replace(minute=0), MIDNIGHT)
    plain = build(SESSIONS_ENDPOINT, select(*whole, interval="day", timezone="Europe/Berlin"))
    assert plain.tables == ("gold.sessions",)
    split = build(SESSIONS_ENDPOINT, select(*whole, interval="day", timezone="Asia/Kolkata"))
    assert split.tables == ("gold.sessions", "silver.sessions")
    without = build(SESSIONS_ENDPOINT, select(*whole, timezone="Asia/Kolkata"))
    assert without.tables == ("gold.sessions",)
