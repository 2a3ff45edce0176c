"""The flows on real tables: duplicates, late events, crashes, and whatever order things come in."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import Any

import pytest

from schemas.gold import EVENT_GRAIN, GOLD_TABLES, SESSION_GRAIN
from schemas.reject import DuplicateTier, RejectReason
from streaming.flows.sessions import SESSIONS
from streaming.flows.silver import SILVER
from streaming.gold import aggregate_partials
from tests.streaming.conftest import MakeLake
from tests.streaming.day import ALL, GOLD, GOLD_NAMES, RESULTS, Day, Rows
from tests.streaming.lake import Lake, comparable, read_metrics, snapshot
from tests.streaming.reference_sessions import find_sessions
from tests.streaming.story import END, RECORDS, with_copies


def _coordinates(rows: Rows) -> list[int]:
    return [row["offset"] for row in rows]


def test_every_record_is_in_exactly_one_table(day: Day) -> None:
    places = Counter(
        offset
        for name in ("silver.events", "bronze.dead_letters", "silver.duplicates")
        for offset in _coordinates(day.tables[name])
    )
    assert places == Counter(range(len(RECORDS)))


def test_every_event_is_in_silver_exactly_once(day: Day) -> None:
    ids = Counter(row["event_id"] for row in day.tables["silver.events"])
    assert set(ids.values()) == {1}
    assert {"copied at once/0", "late and copied late/0", "copied again and again/0"} <= set(ids)


@pytest.mark.parametrize(
    ("event_id", "tiers"),
    [
        ("copied at once/0", [DuplicateTier.STATE] * 2),
        ("copied in the next part/0", [DuplicateTier.STATE]),
        ("copied three hours later/0", [DuplicateTier.HISTORY]),
        # Behind the watermark, but the state forgets with a batch, and this is the next one.
        ("late and copied late/0", [DuplicateTier.STATE]),
        ("late and copied in its own part/0", [DuplicateTier.STATE]),
    ],
)
def test_a_copy_is_recorded_with_how_it_was_known(
    event_id: str, tiers: list[DuplicateTier], day: Day
) -> None:
    copies = [row for row in day.tables["silver.duplicates"] if row["event_id"] == event_id]
    assert [row["tier"] for row in copies] == tiers


def test_rejected_records_are_dead_letters_each_by_itself(day: Day) -> None:
    reasons = Counter(row["reason"] for row in day.tables["bronze.dead_letters"])
    assert reasons == {
        RejectReason.TOMBSTONE: 1,
        RejectReason.EMPTY: 1,
        RejectReason.NOT_AN_OBJECT: 2,
        RejectReason.MISSING_FIELD: 1,
        RejectReason.NOT_UTF8: 1,
        RejectReason.NOT_JSON: 1,
        RejectReason.INVALID_URL: 2,
    }


def test_dead_letters_are_published_as_they_came_with_what_is_known_of_them(day: Day) -> None:
    letters = {f"t/0/{row['offset']}": row for row in day.tables["bronze.dead_letters"]}
    assert {message.key for message in day.lake.published} == set(letters)
    for message in day.lake.published:
        letter = letters[message.key]
        assert message.value == letter["raw"]
        headers = {header.key: header.value for header in message.headers}
        assert bytes(headers["reason"]).decode() == letter["reason"]
        assert bytes(headers["offset"]).decode() == str(letter["offset"])


def test_sessions_are_those_of_plain_python(day: Day) -> None:
    events = [
        row | {"event_time": row["event_time"].replace(tzinfo=UTC)}
        for row in day.tables["silver.events"]
    ]
    expected = find_sessions(events)
    rows = {(row["visitor_id"], row["session_start"]): row for row in day.tables["silver.sessions"]}
    assert len(rows) == len(day.tables["silver.sessions"])
    for session in expected:
        for name in ("session_start", "session_end"):
            session[name] = session[name].replace(tzinfo=None)
        row = rows.pop((session["visitor_id"], session["session_start"]))
        assert {name: row[name] for name in session} == session
    assert rows == {}


@pytest.mark.parametrize(
    ("visitor", "lengths"),
    [
        ("two visits merged by a late event", [3]),
        ("extended at its end", [3]),
        ("extended at its beginning", [2]),
        ("filled inside", [3]),
        ("late only", [1]),
        ("late only, from last week", [1]),
        ("before all time", [1]),
        ("late and on time at once", [1, 1]),
        ("closed visit joined to an open one", [3]),
        ("late by a microsecond", [2]),
        ("on time to the microsecond", [2]),
        ("across midnight", [2]),
        ("across midnight, joined late", [3]),
        ("never pausing", [40]),
        ("copied again and again", [1]),
    ],
)
def test_a_visitor_has_the_sessions_as_if_nothing_had_been_late(
    visitor: str, lengths: list[int], day: Day
) -> None:
    sessions = [row for row in day.tables["silver.sessions"] if row["visitor_id"] == visitor]
    found = sorted(sessions, key=lambda row: row["session_start"])
    assert [row["event_count"] for row in found] == lengths


@pytest.mark.parametrize("flow", ALL, ids=lambda flow: str(flow.name))
def test_a_batch_done_twice_changes_no_table(flow: Any, day: Day) -> None:
    assert set(day.after_crash[flow.name]) == set(flow.targets)
    assert day.after_crash[flow.name] == day.before_crash[flow.name]


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: str(table.name))
def test_gold_is_what_its_declaration_says_of_silver(table: Any, day: Day) -> None:
    again = aggregate_partials(day.lake.read(table.source), table)
    assert day.tables[table.name] == read_metrics(again, table)
    assert day.tables[table.name] != []


def test_gold_is_what_plain_sql_says_of_silver(day: Day) -> None:
    day.lake.read("silver.events").createOrReplaceTempView("story_events")
    day.lake.read("silver.sessions").createOrReplaceTempView("story_sessions")
    spark = day.lake.runtime.spark
    pages = spark.sql(
        """SELECT date_trunc('hour', event_time) AS bucket, page_path, count(*) AS page_views,
        count(DISTINCT visitor_id) AS unique_visitors FROM story_events
        WHERE event_type = 'page_view' GROUP BY 1, 2"""
    )
    sessions = spark.sql(
        """SELECT date_trunc('hour', session_start) AS bucket, count(*) AS sessions,
        count_if(is_engaged) AS engaged_sessions, count_if(NOT is_engaged) AS bounces,
        count(DISTINCT visitor_id) AS unique_visitors, sum(conversions) AS conversions,
        sum(revenue) AS revenue, avg(page_views) AS pages_per_session
        FROM story_sessions GROUP BY 1"""
    )
    for expected, name in ((pages, "gold.pages"), (sessions, "gold.sessions")):
        columns = expected.columns
        found = [{column: row[column] for column in columns} for row in day.tables[name]]
        assert sorted(found, key=repr) == comparable(expected.collect())


def _run_all(lake: Lake) -> dict[str, Rows]:
    lake.run(SILVER)
    lake.beat(END)
    lake.run(SESSIONS, *GOLD)
    return snapshot(lake, *RESULTS)


def _without_arrival(rows: Rows) -> Rows:
    """Rows of silver.events without what says when and where the record came in."""
    arrival = ("topic", "partition", "offset", "arrival_time", "stream_time", "is_late")
    said = [{name: row[name] for name in row if name not in arrival} for row in rows]
    return sorted(said, key=lambda row: str(row["event_id"]))


def test_everything_at_once_gives_the_same(day: Day, make_lake: MakeLake) -> None:
    lake = make_lake()
    lake.feed(RECORDS)
    found = _run_all(lake)
    assert found == {name: day.tables[name] for name in RESULTS}


def test_any_order_and_more_copies_give_the_same(day: Day, make_lake: MakeLake) -> None:
    lake = make_lake()
    records = with_copies(RECORDS)
    half = len(records) // 2
    lake.feed(records[:half])
    lake.run(*ALL)
    lake.feed(records[half:])
    found = _run_all(lake)
    assert found == {name: day.tables[name] for name in RESULTS}
    events = _without_arrival(lake.rows("silver.events"))
    assert events == _without_arrival(day.tables["silver.events"])


def test_both_grains_were_tested() -> None:
    assert {table.name for table in EVENT_GRAIN + SESSION_GRAIN} == set(GOLD_NAMES)
