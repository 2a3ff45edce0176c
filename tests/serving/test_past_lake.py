"""The past of a real table: the versions Delta itself means, and what is no longer there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyspark.sql import SparkSession

from schemas.gold.sessions import SESSIONS as GOLD_SESSIONS
from schemas.history import HISTORY_FILE, Floor, dump_floors
from schemas.silver import SESSIONS
from serving.app import create_app
from serving.commit_times import arrange_commits
from serving.delta_log import LocalFiles
from serving.gold_reader import GoldReader
from serving.hadoop_files import HadoopFiles
from tests.serving.fakes import make_settings
from tests.serving.lake import append_gold, make_sessions, read_rows, table_path
from tests.serving.recount import count_sessions
from tests.serving.test_answers import WHOLE, assert_rows, without_bots

# When the versions were committed: the clock went back for version 2, and long ago.
SECONDS = (0, 3600, 3000, 7200)
FIRST = datetime(2016, 1, 1, tzinfo=UTC)
SIZES = (20, 40, 50)  # rows after versions 0 to 2; version 3 has them in another file


@dataclass
class Then:
    """A table with four versions, and the API over it."""

    folder: Path
    root: str
    api: TestClient
    spark: SparkSession

    def ask(self, **params: Any) -> Any:
        return self.api.get("/sessions", params={**WHOLE, **params})


@pytest.fixture(scope="module")
def then(
    spark: SparkSession, reading_spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Then]:
    folder = tmp_path_factory.mktemp("past")
    root, rows, start = f"file://{folder}", make_sessions(), 0
    for size in SIZES:
        append_gold(root, GOLD_SESSIONS, read_rows(spark, SESSIONS, rows[start:size]))
        start = size
    path = table_path(root, GOLD_SESSIONS.name)
    table = spark.read.format("delta").load(path)
    table.coalesce(1).write.format("delta").mode("overwrite").save(path)
    for version, seconds in enumerate(SECONDS):
        time = (FIRST + timedelta(seconds=seconds)).timestamp()
        os.utime(folder / "gold/sessions/_delta_log" / f"{version:020}.json", (time, time))
    reader = GoldReader(reading_spark, root)
    with TestClient(create_app(make_settings(query_timeout_s=300), reader)) as api:
        yield Then(folder, root, api, reading_spark)


@pytest.mark.parametrize(
    ("seconds", "version", "size"),
    [(0, 0, 20), (3599.999, 0, 20), (3600, 1, 40), (3600.001, 2, 50), (7199, 2, 50), (9e7, 3, 50)],
)
def test_an_answer_is_of_the_rows_that_were_there(
    then: Then, seconds: float, version: int, size: int
) -> None:
    moment = FIRST + timedelta(seconds=seconds)
    response = then.ask(as_of=moment.isoformat())
    assert response.status_code == 200, response.text
    assert response.json()["meta"]["versions"] == {"gold.sessions": version}
    assert_rows(response.json()["data"], count_sessions(without_bots(make_sessions()[:size])))
    assert then.ask(versions=f"gold.sessions:{version}").json()["data"] == response.json()["data"]
    # What Delta makes of the same moment. It wants a time up to its last commit.
    if version < 3:
        text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        delta = then.spark.read.format("delta").option("timestampAsOf", text)
        path = table_path(then.root, GOLD_SESSIONS.name)
        assert delta.load(path).selectExpr("sum(sessions)").collect()[0][0] == size


def test_listings_through_hadoop_are_the_same(then: Then) -> None:
    log = f"{then.folder}/gold/sessions/_delta_log"
    through_hadoop = HadoopFiles(then.spark).list_times(f"file://{log}")
    commits = arrange_commits(through_hadoop)
    assert commits == arrange_commits(LocalFiles().list_times(log))
    assert [commits.time_of(version) - FIRST for version in range(4)] == [
        timedelta(seconds=seconds) for seconds in (0, 3600, 3600.001, 7200)
    ]


def test_a_floor_is_read_with_every_request(then: Then) -> None:
    file = then.folder / HISTORY_FILE
    file.write_text(dump_floors({"gold.sessions": Floor(2, "erased")}))
    refused = then.ask(as_of="2016-01-01T01:00:00Z")
    assert refused.status_code == 422
    assert "erased" in refused.json()["error"]["details"][0]["allowed"]
    assert then.ask(as_of="2016-01-01T01:30:00Z").status_code == 200
    assert then.ask().status_code == 200
    # Nothing is given as long as it cannot be known what may be.
    file.write_text("{")
    assert then.ask(as_of="2016-01-01T01:30:00Z").status_code == 503
    assert then.ask().status_code == 200
    file.unlink()
    assert then.ask(as_of="2016-01-01T01:00:00Z").status_code == 200


def test_deleted_files_are_a_version_that_cannot_be_had(then: Then) -> None:
    """Last, for it deletes what the first versions are made of."""
    current = then.ask().json()["data"]
    paths = {
        path
        for path in (then.folder / "gold/sessions").rglob("*.parquet")
        if "_delta_log" not in path.parts
    }
    table = then.spark.read.format("delta").load(table_path(then.root, GOLD_SESSIONS.name))
    for path in paths - {Path(name.removeprefix("file:")) for name in table.inputFiles()}:
        path.unlink()
    # Not one that an earlier test has computed: there is no cache here.
    refused = then.ask(versions="gold.sessions:1")
    assert refused.status_code == 422, refused.text
    assert "deleted" in refused.json()["error"]["details"][0]["allowed"]
    assert then.ask().json()["data"] == current
