"""What is held in memory answers as Delta does, and only for its own version."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.gold.pages import PAGE_ENGAGEMENT
from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.gold.users import USER_DAYS
from schemas.silver import SESSIONS
from serving.delta_log import TableState
from serving.endpoints import ENDPOINTS, SESSIONS_ENDPOINT
from serving.errors import VersionGone
from serving.gold_reader import GoldReader, States
from serving.hot_tables import ASKED_BEFORE, HELD_DAYS, HotTables, find_dimensions
from serving.queries import Selection, build_statement
from serving.ranges import floor_time, split_range
from tests.serving.lake import append_gold, make_sessions, read_rows

NAME = GOLD_SESSIONS.name
NOW = datetime.now(UTC)
MANY_BYTES = 2**30


def append(spark: SparkSession, root: str, first: int, last: int) -> None:
    """Sessions of this hour, in one commit."""
    rows = make_sessions()[first:last]
    for row in rows:
        row["session_start"] = NOW
    append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows))


def ask(reader: GoldReader, states: States, days: int = 1) -> list[tuple[Any, ...]]:
    """Sessions of the last `days` and those of a country, as two answers' rows."""
    start, end = NOW - timedelta(days=days), NOW + timedelta(hours=1)
    answers = []
    for filters in ({}, {"country": "DE"}):
        selection = Selection(floor_time(start), floor_time(end), 10, 0, True, filters=filters)
        ranges = split_range(selection.start, selection.end, end)
        statement = build_statement(SESSIONS_ENDPOINT, selection, ranges)
        answers += reader.run(statement, states, "group")
    return answers


def wait_until_held(reader: GoldReader, states: States) -> None:
    deadline = time.monotonic() + 60
    while reader.hot.find(NAME, states[NAME], NOW.date()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_held_answers_as_delta_does_and_only_for_its_version(
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
    # Its files are not looked at any more.
    for file in tmp_path.rglob("*.parquet"):
        file.rename(file.with_suffix(".away"))
    assert ask(reader, first) == expected
    with pytest.raises(VersionGone):  # further back than what is held
        ask(reader, first, days=HELD_DAYS + 1)
    for file in tmp_path.rglob("*.away"):
        file.rename(file.with_suffix(".parquet"))

    append(spark, root, 40, 60)
    second = reader.read_states()
    assert ask(reader, second)[0][0] == 60
    assert ask(reader, first) == expected
    wait_until_held(reader, second)
    assert ask(reader, second) == ask(cold, second)
    assert ask(reader, first) == expected
    # An earlier version does not take the place of a later one, however often it is asked for.
    assert reader.hot.find(NAME, first[NAME], NOW.date()) is None
    assert reader.hot.find(NAME, second[NAME], NOW.date()) is not None


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
    assert reader.hot.find(NAME, states[NAME], NOW.date()) is None


def test_a_load_that_runs_is_waited_for_and_none_is_begun_after_it() -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    opened: list[str] = []

    def open_table(name: str, _: TableState) -> DataFrame:
        opened.append(name)
        has_begun.set()
        assert may_end.wait(60)
        raise LookupError("there is no table here")

    hot = HotTables(open_table, MANY_BYTES)
    for name in (NAME, USER_DAYS.name):
        for _ in range(ASKED_BEFORE):
            hot.find(name, TableState(0, "first"), NOW.date())
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
    assert found[PAGE_ENGAGEMENT.name] == (
        "site_id",
        "page_path",
        "is_bot",
        "device_type",
        "country",
    )
    assert found[GOLD_SESSIONS.name] == GOLD_SESSIONS.dimension_names
