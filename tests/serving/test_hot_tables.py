"""What is held in memory answers as Delta does, and only for its own version."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.gold.pages import PAGE_ENGAGEMENT
from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.gold.users import USER_DAYS
from schemas.silver import SESSIONS
from serving.comparison import compare_periods
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, PAGES_ENDPOINT, SESSIONS_ENDPOINT
from serving.errors import VersionGone
from serving.gold_reader import GoldReader, States
from serving.hot_tables import ASKED_BEFORE, HELD_DAYS, MOST_ADDED, HotTables, find_dimensions
from serving.queries import Selection, build_statement
from serving.ranges import floor_time, split_range
from serving.reading import Reading
from tests.serving.lake import append_gold, make_sessions, read_rows

NAME = GOLD_SESSIONS.name
NOW = datetime.now(UTC)
MANY_BYTES = 2**30


def append(
    spark: SparkSession, root: str, first: int, last: int, started_at: datetime = NOW
) -> None:
    """Sessions that started then, in one commit."""
    rows = make_sessions()[first:last]
    for row in rows:
        row["session_start"] = started_at
    append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows))


def ask(reader: GoldReader, states: States, days: int = 1) -> list[tuple[Any, ...]]:
    """Sessions of the last `days` in each way in which rows are chosen, as answers' rows."""
    start, end = floor_time(NOW - timedelta(days=days)), floor_time(NOW + timedelta(hours=1))
    some = Selection(start, end, 10, 0, True)
    first_day, last_day = (time.replace(hour=0) for time in (start, end + timedelta(days=1)))
    by_day = replace(some, start=first_day, end=last_day, interval="day")
    selections = (
        some,
        replace(some, filters={"country": "DE"}),
        by_day,
        replace(by_day, interval="hour"),
        replace(by_day, timezone="America/New_York"),
        replace(by_day, interval="month", previous=(start - timedelta(days=days), start)),
    )
    answers = []
    for selection in selections:
        ranges = split_range(selection.start, selection.end, end)
        build = compare_periods if selection.previous else build_statement
        statement = build(SESSIONS_ENDPOINT, selection, ranges)
        answers += reader.run(statement, states, "group")
    return answers


# All that is told apart on any day.
EVERYTHING = Reading(NOW.date(), frozenset(), None)


def wait_until_held(reader: GoldReader, states: States) -> None:
    """Ask until this very version is held."""
    deadline = time.monotonic() + 60
    while reader.hot.versions.get(NAME) != states[NAME].version:
        reader.hot.find(NAME, states[NAME], EVERYTHING)
        assert time.monotonic() < deadline
        time.sleep(0.05)


def put_away(folder: Path) -> list[Path]:
    """Take all data files from their places."""
    return [file.rename(file.with_suffix(".away")) for file in folder.rglob("*.parquet")]


def test_what_is_held_answers_as_delta_does_without_a_file(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    append(spark, root, 20, 40)
    cold, reader = GoldReader(reading_spark, root), GoldReader(reading_spark, root, MANY_BYTES)
    first = reader.read_states()
    expected = ask(cold, first)
    assert expected[0][0] == 40
    assert ask(reader, first) == expected
    wait_until_held(reader, first)
    put_away(tmp_path)
    assert ask(reader, first) == expected
    # Nothing is older than what is held, so a longer range is answered from it as well.
    assert ask(reader, first, days=HELD_DAYS + 1) == expected


def test_a_later_version_is_what_is_held_and_the_files_added_since(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    cold, reader = GoldReader(reading_spark, root), GoldReader(reading_spark, root, MANY_BYTES)
    first = reader.read_states()
    wait_until_held(reader, first)
    away = put_away(tmp_path)
    append(spark, root, 20, 40)
    append(spark, root, 40, 60, NOW - timedelta(days=1))
    second = reader.read_states()
    found = ask(reader, second, days=2)
    assert found[0][0] == 60
    assert reader.hot.versions == {NAME: first[NAME].version}
    for file in away:
        file.rename(file.with_suffix(".parquet"))
    assert found == ask(cold, second, days=2)
    # What is held of them, and what is later, is not mixed up.
    assert ask(reader, first, days=2) == ask(cold, first, days=2)


def test_a_version_that_rewrites_is_loaded_and_no_earlier_one_takes_its_place(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    append(spark, root, 20, 40)
    cold, reader = GoldReader(reading_spark, root), GoldReader(reading_spark, root, MANY_BYTES)
    first = reader.read_states()
    wait_until_held(reader, first)
    table = DeltaTable.forPath(spark, f"{root}/gold/sessions")
    table.delete("country = 'DE'")
    second = reader.read_states()
    assert reader.hot.find(NAME, second[NAME], EVERYTHING) is None
    assert ask(reader, second) == ask(cold, second) != ask(cold, first)
    wait_until_held(reader, second)
    assert ask(reader, second) == ask(cold, second)
    for _ in range(2 * ASKED_BEFORE):
        assert reader.hot.find(NAME, first[NAME], EVERYTHING) is None
    assert ask(reader, first) == ask(cold, first)
    assert reader.hot.versions == {NAME: second[NAME].version}


def test_compaction_of_what_is_held_changes_nothing_of_what_was_added_all(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    append(spark, root, 20, 40)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    wait_until_held(reader, reader.read_states())
    table = DeltaTable.forPath(spark, f"{root}/gold/sessions")
    table.optimize().executeCompaction()
    append(spark, root, 40, 60)
    states = reader.read_states()
    assert reader.hot.find(NAME, states[NAME], EVERYTHING) is not None
    assert ask(reader, states)[0][0] == 60
    table.optimize().executeCompaction()
    states = reader.read_states()
    assert reader.hot.find(NAME, states[NAME], EVERYTHING) is None
    assert ask(reader, states)[0][0] == 60


def test_a_table_to_which_much_was_added_is_loaded_anew(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 10)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    wait_until_held(reader, reader.read_states())
    for number in range(1, MOST_ADDED + 1):
        append(spark, root, number, number + 1)
    states = reader.read_states()
    assert reader.hot.find(NAME, states[NAME], EVERYTHING) is not None
    wait_until_held(reader, states)
    assert ask(reader, states)[0][0] == 10 + MOST_ADDED


def test_a_range_that_begins_before_what_is_held_is_read_from_delta(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20, NOW - timedelta(days=HELD_DAYS + 2))
    append(spark, root, 20, 40)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    states = reader.read_states()
    for _ in range(ASKED_BEFORE):
        assert ask(reader, states)[0][0] == 20
    wait_until_held(reader, states)
    assert ask(reader, states, days=HELD_DAYS + 3)[0][0] == 40
    for file in tmp_path.rglob("*.parquet"):
        file.unlink()
    assert ask(reader, states)[0][0] == 20
    with pytest.raises(VersionGone):
        ask(reader, states, days=HELD_DAYS + 3)


def test_what_does_not_fit_is_read_from_delta(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    reader = GoldReader(reading_spark, root, hot_bytes=10)
    states = reader.read_states()
    for _ in range(ASKED_BEFORE):
        assert ask(reader, states)[0][0] == 20
    reader.hot.close(finish=True)
    assert reader.hot.find(NAME, states[NAME], EVERYTHING) is None


def test_a_load_that_runs_is_waited_for_and_none_is_begun_after_it() -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    opened: list[str] = []

    def open_table(name: str, _: TableState) -> DataFrame:
        opened.append(name)
        has_begun.set()
        assert may_end.wait(60)
        raise LookupError("there is no table here")

    def open_files(*_: object) -> DataFrame:
        raise AssertionError("nothing was added")

    hot = HotTables(open_table, open_files, lambda *_: [], MANY_BYTES)
    for name in (NAME, USER_DAYS.name):
        for _ in range(ASKED_BEFORE):
            hot.find(name, TableState(0, "first"), EVERYTHING)
    assert has_begun.wait(60)
    closing = threading.Thread(target=hot.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive(), "it did not wait"
    may_end.set()
    closing.join(60)
    assert not closing.is_alive()
    assert opened == [NAME]


def test_dimensions_that_no_endpoint_reads_are_not_held() -> None:
    found = find_dimensions(ENDPOINTS)
    assert USER_DAYS.name not in found
    assert found[PAGE_ENGAGEMENT.name] == {
        "site_id",
        "page_path",
        "is_bot",
        "device_type",
        "country",
    }
    assert found[GOLD_SESSIONS.name] == {*GOLD_SESSIONS.dimension_names}


def test_a_day_that_is_read_whole_is_one_row(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    today = NOW.replace(hour=0)
    for hour in (1, 2, 3):
        append(spark, root, 0, 20, today - timedelta(hours=hour))
    append(spark, root, 20, 40, today)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    states = reader.read_states()
    for _ in range(ASKED_BEFORE):
        reader.hot.find(NAME, states[NAME], EVERYTHING)
    wait_until_held(reader, states)

    def count(dimensions: set[str], split: set[date] | None) -> dict[date, int]:
        days = None if split is None else frozenset(split)
        reading = Reading(today.date() - timedelta(days=1), frozenset(dimensions), days)
        rows = reader.hot.find(NAME, states[NAME], reading)
        assert rows is not None
        found = rows.groupBy("date").agg(F.countDistinct("bucket").alias("buckets")).collect()
        return {row["date"]: row["buckets"] for row in found}

    yesterday = today.date() - timedelta(days=1)
    assert count(set(), set()) == {yesterday: 1, today.date(): 1}
    assert count({"channel", "no_such"}, {today.date()}) == {yesterday: 1, today.date(): 1}
    by_hour = {yesterday: 3, today.date(): 1}
    assert count({"channel"}, {yesterday}) == by_hour
    assert count({"country"}, set()) == by_hour  # nobody groups by it unless asked to
    assert count(set(), None) == by_hour


def test_what_statements_read() -> None:
    day = datetime(2026, 3, 4, tzinfo=UTC)
    some = Selection(day, day + timedelta(days=2, hours=5), 10, 0, filters={"country": "DE"})

    def find(selection: Selection) -> Reading:
        ranges = split_range(selection.start, selection.end, NOW)
        reading = build_statement(PAGES_ENDPOINT, selection, ranges).reading
        assert reading
        return reading

    last = (day + timedelta(days=2)).date()
    both = frozenset({"page_path", "country"})
    assert find(some) == Reading(day.date(), both, frozenset({last}))
    assert find(replace(some, interval="week")) == find(some)
    assert find(replace(some, interval="hour")) == Reading(day.date(), both, None)
    assert find(replace(some, interval="day", timezone="Asia/Tokyo")).split_days is None
    earlier = replace(some, previous=(day - timedelta(hours=3), day))
    compared = compare_periods(PAGES_ENDPOINT, earlier, split_range(some.start, some.end, NOW))
    before = (day - timedelta(days=1)).date()
    assert compared.reading == Reading(before, both, frozenset({before, last}))
