"""The reader reads exactly the versions it is told, also while tables change under it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.silver import SESSIONS
from serving.endpoints import SESSIONS_ENDPOINT
from serving.errors import QueryFailed
from serving.gold_reader import GoldReader, States
from serving.hadoop_files import HadoopFiles
from serving.queries import Statement, build_statement
from serving.ranges import split_range
from serving.selection import Selection
from tests.serving.lake import append_gold, make_sessions, read_rows, table_path

START, END = datetime(2015, 5, 17, tzinfo=UTC), datetime(2015, 5, 21, tzinfo=UTC)


def build() -> Statement:
    selection = Selection(START, END, limit=10, offset=0, include_bots=True)
    return build_statement(SESSIONS_ENDPOINT, selection, split_range(START, END, END))


def count(reader: GoldReader, states: States) -> int:
    rows = reader.run(build(), states, "group")
    return int(rows[0][0])


def test_answers_belong_to_the_versions_of_the_key(
    spark: SparkSession, reading_spark: SparkSession, tmp_path: Path
) -> None:
    root = f"file://{tmp_path}"
    reader = GoldReader(reading_spark, root)
    assert reader.read_states() == {}
    rows = make_sessions()
    append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows[:10]))
    first = reader.read_states()
    append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows[10:30]))
    second = reader.read_states()
    assert (first["gold.sessions"].version, second["gold.sessions"].version) == (0, 1)
    # The older one is asked first after the newer one is there.
    assert count(reader, first) == 10
    assert count(reader, second) == 30
    assert count(reader, first) == 10

    # Another history in the same place, with the same version numbers.
    shutil.rmtree(tmp_path / "gold")
    append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows[:5]))
    third = reader.read_states()
    assert third["gold.sessions"].version == 0
    assert third["gold.sessions"].commit_id != first["gold.sessions"].commit_id
    assert count(reader, third) == 5


def test_other_file_systems_are_followed_through_hadoop(
    reading_spark: SparkSession, lake: str
) -> None:
    files = HadoopFiles(reading_spark)
    log = f"{table_path(lake, 'gold.sessions')}/_delta_log"
    assert f"{0:020d}.json" in files.list_names(log)
    assert any("commitInfo" in line for line in files.read_lines(f"{log}/{0:020d}.json"))
    assert files.fingerprint(f"{log}/{0:020d}.json")
    assert files.fingerprint(f"{log}/{99:020d}.json") is None
    with pytest.raises(FileNotFoundError):
        files.list_names(f"{lake}/nothing")


def test_what_spark_refuses_is_a_failed_query(reader: GoldReader) -> None:
    broken = Statement("SELECT no_such_column FROM {gold_sessions}", {}, ("gold.sessions",), ("x",))
    with pytest.raises(QueryFailed):
        reader.run(broken, reader.read_states(), "group")


def test_a_cancelled_query_does_not_start(reader: GoldReader) -> None:
    reader.cancel("cancelled before")
    with pytest.raises(QueryFailed):
        reader.run(build(), reader.read_states(), "cancelled before")
