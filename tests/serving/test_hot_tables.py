"""What is held in memory answers as Delta does, and only for its own version."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.commit import FOLDED
from schemas.gold import GOLD_TABLES
from schemas.gold.pages import PAGE_ENGAGEMENT
from schemas.gold.realtime import REALTIME
from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.gold.users import USER_DAYS
from schemas.silver import EVENTS as SILVER_EVENTS
from schemas.silver import SESSIONS
from serving.comparison import compare_periods
from serving.delta_log import TableState
from serving.endpoint import Endpoint
from serving.endpoints import ENDPOINTS, PAGES_ENDPOINT, SESSIONS_ENDPOINT
from serving.errors import VersionGone
from serving.gold_reader import GoldReader, States
from serving.held import find_groups
from serving.hot_tables import ASKED_BEFORE, HELD_DAYS, HotTables
from serving.queries import build_statement
from serving.ranges import floor_time, split_range
from serving.reading import Reading
from serving.routes.sites import build_sites
from serving.selection import Selection
from streaming.folding import fold_partials
from tests.serving.fakes import make_settings
from tests.serving.lake import append_gold, make_events, make_sessions, read_rows, write_lake

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
EVERYTHING = Reading((NAME,), NOW.date(), frozenset(), None)


def find_version(reader: GoldReader) -> int | None:
    """The version of the table that is held."""
    versions = reader.hot.find_versions((NAME,))
    return versions[0] if versions else None


def wait_until_held(reader: GoldReader, states: States) -> None:
    """Ask until this very version is held."""
    deadline = time.monotonic() + 60
    while find_version(reader) != states[NAME].version:
        reader.hot.find(states, EVERYTHING)
        assert time.monotonic() < deadline
        time.sleep(0.05)


def commit_twice(
    spark: SparkSession, reading_spark: SparkSession, folder: Path
) -> tuple[GoldReader, GoldReader]:
    """A lake of forty sessions, as read by one who holds nothing and one who may."""
    root = f"file://{folder}"
    append(spark, root, 0, 20)
    append(spark, root, 20, 40)
    return GoldReader(reading_spark, root), GoldReader(reading_spark, root, MANY_BYTES)


def put_away(folder: Path) -> None:
    """Take all data files from their places."""
    for file in folder.rglob("*.parquet"):
        file.rename(file.with_suffix(".away"))


def put_back(folder: Path) -> None:
    for file in folder.rglob("*.away"):
        file.rename(file.with_suffix(".parquet"))


def test_what_is_held_answers_as_delta_does_without_a_file(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    cold, reader = commit_twice(spark, reading_spark, tmp_path)
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
    put_away(tmp_path)
    append(spark, root, 20, 40)
    append(spark, root, 40, 60, NOW - timedelta(days=1))
    second = reader.read_states()
    found = ask(reader, second, days=2)
    assert found[0][0] == 60
    assert find_version(reader) == first[NAME].version
    put_back(tmp_path)
    assert found == ask(cold, second, days=2)
    # What is held of them, and what is later, is not mixed up.
    assert ask(reader, first, days=2) == ask(cold, first, days=2)


def test_a_version_that_rewrites_is_loaded_and_no_earlier_one_takes_its_place(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    cold, reader = commit_twice(spark, reading_spark, tmp_path)
    first = reader.read_states()
    wait_until_held(reader, first)
    table = DeltaTable.forPath(spark, f"file://{tmp_path}/gold/sessions")
    table.delete("country = 'DE'")
    second = reader.read_states()
    assert reader.hot.find(second, EVERYTHING) is None
    assert find_version(reader) is None, "what was deleted is still held"
    assert ask(reader, second) == ask(cold, second) != ask(cold, first)
    wait_until_held(reader, second)
    assert ask(reader, second) == ask(cold, second)
    for _ in range(2 * ASKED_BEFORE):
        assert reader.hot.find(first, EVERYTHING) is None
    assert ask(reader, first) == ask(cold, first)
    assert find_version(reader) == second[NAME].version


def test_compaction_and_folds_change_nothing_of_what_is_held(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    path = f"{root}/gold/sessions"
    append(spark, root, 0, 20)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    first = reader.read_states()
    wait_until_held(reader, first)
    append(spark, root, 20, 40)
    DeltaTable.forPath(spark, path).optimize().executeCompaction()
    append(spark, root, 40, 60)
    folded = fold_partials(spark.read.format("delta").load(path), GOLD_SESSIONS)
    said = json.dumps({FOLDED: True})
    folded.write.format("delta").mode("overwrite").option("replaceWhere", "true").option(
        "userMetadata", said
    ).save(path)
    states = reader.read_states()
    found = ask(reader, states)
    assert found[0][0] == 60
    assert find_version(reader) == first[NAME].version
    assert found == ask(GoldReader(reading_spark, root), states)
    # What was added has been put together, and its own files are cleaned up.
    live = {file.rpartition("/")[2] for file in spark.read.format("delta").load(path).inputFiles()}
    for file in tmp_path.rglob("*.parquet"):
        if file.name not in live:
            file.unlink()
    append(spark, root, 0, 10)
    states = reader.read_states()
    assert ask(reader, states)[0][0] == 70
    wait_until_held(reader, states)
    assert ask(reader, states)[0][0] == 70


@pytest.mark.parametrize("most", ["MOST_ADDED", "MOST_ADDED_BYTES"])
def test_what_was_added_is_merged_once_it_is_much(
    most: str,
    spark: SparkSession,
    reading_spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"serving.hot_tables.{most}", 1)
    root = f"file://{tmp_path}"
    append(spark, root, 0, 10)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    wait_until_held(reader, reader.read_states())
    cold = GoldReader(reading_spark, root)
    put_away(tmp_path)
    append(spark, root, 10, 11)
    append(spark, root, 11, 12, NOW - timedelta(hours=3))
    states = reader.read_states()
    wait_until_held(reader, states)
    put_away(tmp_path)
    monkeypatch.setattr(f"serving.hot_tables.{most}", MANY_BYTES)
    append(spark, root, 12, 13)
    states = reader.read_states()
    found = ask(reader, states)
    assert found[0][0] == 13
    put_back(tmp_path)
    assert found == ask(cold, states)
    # What is merged already is not read again.
    monkeypatch.setattr(f"serving.hot_tables.{most}", 0)
    monkeypatch.setattr(reader.hot, "_rests_until", {})
    wait_until_held(reader, states)
    put_away(tmp_path)
    append(spark, root, 13, 14)
    states = reader.read_states()
    monkeypatch.setattr(reader.hot, "_rests_until", {})
    wait_until_held(reader, states)
    put_away(tmp_path)
    found = ask(reader, states)
    assert found[0][0] == 14
    put_back(tmp_path)
    assert found == ask(cold, states)
    # With more than so much beside it, all is loaded anew.
    monkeypatch.setattr("serving.hot_tables._MOST_RECENT_BYTES", 0)
    monkeypatch.setattr(reader.hot, "_rests_until", {})
    append(spark, root, 14, 15)
    states = reader.read_states()
    wait_until_held(reader, states)
    put_away(tmp_path)
    assert ask(reader, states)[0][0] == 15


def test_who_asked_before_a_load_is_answered_from_memory_too(
    spark: SparkSession,
    reading_spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serving.hot_tables.MOST_ADDED", 0)
    root = f"file://{tmp_path}"
    reader, cold = GoldReader(reading_spark, root, MANY_BYTES), GoldReader(reading_spark, root)
    held, expected = [], []
    for first in (0, 10, 20):
        append(spark, root, first, first + 10)
        held.append(reader.read_states())
        expected.append(ask(cold, held[-1]))
        monkeypatch.setattr(reader.hot, "_rests_until", {})
        wait_until_held(reader, held[-1])
    put_away(tmp_path)
    assert [rows[0][0] for rows in expected] == [10, 20, 30]
    assert ask(reader, held[2]) == expected[2]
    assert ask(reader, held[1]) == expected[1]
    # Only the one before is kept.
    assert reader.hot.find(held[0], EVERYTHING) is None


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


def test_all_is_held_before_anybody_asks(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    append(spark, root, 0, 20)
    reader = GoldReader(reading_spark, root, MANY_BYTES)
    reader.hold_all()
    reader.hot.close(finish=True)
    # The one table there is; no group of which another is missing.
    assert reader.hot.find_versions((NAME,)) == (0,)
    assert len(reader.hot._held) == 1


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
    assert reader.hot.find(states, EVERYTHING) is None


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
    for name in (NAME, REALTIME.name):
        for _ in range(ASKED_BEFORE):
            hot.find({name: TableState(0, "first")}, replace(EVERYTHING, tables=(name,)))
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
    groups = find_groups(ENDPOINTS)
    assert USER_DAYS.name not in {name for names in groups for name in names}
    pages = groups[tuple(table.name for table in PAGES_ENDPOINT.tables)]
    some = {"site_id", "page_path", "is_bot"}
    assert pages.dimensions[PAGE_ENGAGEMENT.name] == {*some, "device_type", "country"}
    assert pages.by_day[PAGE_ENGAGEMENT.name] == some
    assert groups[NAME,].dimensions == {NAME: {*GOLD_SESSIONS.dimension_names}}
    assert groups[REALTIME.name,].by_day == {}


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
        reader.hot.find(states, EVERYTHING)
    wait_until_held(reader, states)

    def count(dimensions: set[str], split: set[date] | None) -> dict[date, int]:
        days = None if split is None else frozenset(split)
        reading = Reading((NAME,), today.date() - timedelta(days=1), frozenset(dimensions), days)
        rows = reader.hot.find(states, reading)
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

    names = tuple(table.name for table in PAGES_ENDPOINT.tables)
    last = (day + timedelta(days=2)).date()
    both = frozenset({"page_path", "country"})
    assert find(some) == Reading(names, day.date(), both, frozenset({last}))
    assert find(replace(some, interval="week")) == find(some)
    assert find(replace(some, interval="hour")) == Reading(names, day.date(), both, None)
    assert find(replace(some, interval="day", timezone="Asia/Tokyo")).split_days is None
    earlier = replace(some, previous=(day - timedelta(hours=3), day))
    compared = compare_periods(PAGES_ENDPOINT, earlier, split_range(some.start, some.end, NOW))
    before = (day - timedelta(days=1)).date()
    assert compared.reading == Reading(names, before, both, frozenset({before, last}))


# Each chooses its rows in another way: by day, by hour, by the site, and partly from Silver.
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"interval": "hour", "sites": ("shop",)},
    {"start": datetime(2015, 5, 18, 7, tzinfo=UTC), "interval": "day"},
    {"start": datetime(2015, 5, 18, 7, 20, tzinfo=UTC)},
    {"timezone": "Asia/Kolkata", "interval": "day"},
)
FILTERS = {
    "page_path": "/page/3",
    "device_type": "mobile",
    "country": "DE",
    "event_name": "signup",
    "channel": "Referral",
}


@dataclass(frozen=True)
class Growing:
    """A lake whose Gold was held and grew after that, and its states before and after."""

    held: GoldReader
    cold: GoldReader
    states: tuple[States, States]


@pytest.fixture(scope="module")
def growing(
    spark: SparkSession, reading_spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Growing:
    root = f"file://{tmp_path_factory.mktemp('growing') / 'my lake 100%'}"
    write_lake(spark, root)
    held, cold = GoldReader(reading_spark, root, MANY_BYTES), GoldReader(reading_spark, root)
    before = held.read_states()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.hot_tables.HELD_DAYS", 100 * 365)  # of a lake of 2015
        for names in find_groups(ENDPOINTS):
            for _ in range(ASKED_BEFORE):
                held.hot.find(before, replace(EVERYTHING, tables=names))
        held.hot.close(finish=True)
    for table in GOLD_TABLES:
        of_events = table.source == SILVER_EVENTS.name
        source, rows = (SILVER_EVENTS, make_events()) if of_events else (SESSIONS, make_sessions())
        append_gold(root, table, read_rows(spark, source, rows[::3]))
    return Growing(held, cold, (before, held.read_states()))


def round_all(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Sums of doubles depend on the order of what is added, by the last digit."""
    return [
        tuple(round(value, 9) if isinstance(value, float) else value for value in row)
        for row in rows
    ]


def test_sites_are_answered_from_memory_as_from_delta(growing: Growing) -> None:
    start, end = datetime(2015, 5, 16, tzinfo=UTC), datetime(2015, 5, 21, tzinfo=UTC)
    ranges = split_range(start, end, NOW)
    statement = build_sites(Selection(start, end, 10, 0), ranges, make_settings())
    now = growing.states[1]
    assert growing.held.hot.find(now, statement.reading) is not None
    answer = growing.held.run(statement, now, "group")
    assert answer == growing.cold.run(statement, now, "group")
    assert {len(row) for row in answer} == {len(statement.columns)}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_each_endpoint_answers_from_memory_as_from_delta(
    endpoint: Endpoint, growing: Growing
) -> None:
    start, end = datetime(2015, 5, 16, tzinfo=UTC), datetime(2015, 5, 21, tzinfo=UTC)
    some = Selection(start, end, 1000, 0)
    chosen = [{"filters": {name: FILTERS[name]}} for name in endpoint.filters if name in FILTERS]
    grain = endpoint.tables[0].grain
    for asked in (*QUESTIONS, *chosen):
        if endpoint.kinds and "interval" in asked:
            continue
        selection = replace(some, **asked)
        ranges = split_range(selection.start, selection.end, NOW, grain)
        statement = build_statement(endpoint, selection, ranges)
        before, now = growing.states
        assert growing.held.hot.find(now, statement.reading) is not None
        answer = round_all(growing.held.run(statement, now, "group"))
        assert answer == round_all(growing.cold.run(statement, now, "group")), asked
        if not asked:
            assert answer != round_all(growing.held.run(statement, before, "group"))
