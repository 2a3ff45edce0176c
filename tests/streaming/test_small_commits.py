"""What keeps a small commit small (docs/adr/0012): the flows' compaction, and local files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.pages import PAGES
from streaming.delta_log import Action, latest_version, read_commits
from streaming.maintenance import compact
from streaming.maintenance.compact import CompactionFailed, Compactor, compact_beside
from streaming.maintenance.files import list_files, open_session
from streaming.sinks import replace_rows, write_rows
from streaming.table_locks import hold_files
from tests.e2e.app import wait_until
from tests.streaming.lake import Lake

DAYS = ["2024-05-14", "2024-05-15"]


def list_days(lake: Lake) -> list[str]:
    return sorted(
        str(file.partition_values["date"]) for file in list_files(lake.runtime, PAGES.name)
    )


def add_files(lake: Lake, day: str, count: int) -> None:
    """Append one of a day's rows `count` times, each as a file of its own."""
    one = lake.read(PAGES.name).where(f"date = date'{day}'").limit(1).localCheckpoint()
    for _ in range(count):
        write_rows(lake.runtime, PAGES.name, one.coalesce(1), "append", {})


@pytest.fixture
def compactor(short_lake: Lake) -> Iterator[Compactor]:
    with closing(Compactor(short_lake.runtime)) as compactor:
        yield compactor


def test_a_table_is_compacted_every_so_many_batches(short_lake: Lake, compactor: Compactor) -> None:
    lake, table = short_lake, short_lake.runtime.table(PAGES.name)
    before = lake.metrics(PAGES)
    add_files(lake, DAYS[0], 20)
    after = lake.metrics(PAGES)
    assert after != before
    days = list_days(lake)
    assert days.count(DAYS[0]) >= 20 > days.count(DAYS[1]) > 1

    version = latest_version(table)
    compactor.count_batch([PAGES.name], every=2)
    assert latest_version(table) == version
    compactor.count_batch([PAGES.name], every=2)
    wait_until(lambda: list_days(lake).count(DAYS[0]) == 1, "the day is not one file")

    # The day with few files is not worth a commit.
    assert latest_version(table) == version + 1
    assert list_days(lake).count(DAYS[1]) == days.count(DAYS[1])
    assert lake.metrics(PAGES) == after
    assert compact_beside(lake.runtime, PAGES.name) == 0


def test_rows_are_appended_while_a_table_is_compacted(short_lake: Lake) -> None:
    lake, table = short_lake, short_lake.runtime.table(PAGES.name)
    add_files(lake, DAYS[0], 20)
    rows, first = lake.read(PAGES.name).count(), latest_version(table)
    appended, beside = 0, open_session(lake.runtime)
    with ThreadPoolExecutor(1) as pool:
        # Until an append has come between a compaction's reading and its commit.
        while not list_overtaken(table, first) and appended < 1000:
            work = pool.submit(compact_beside, beside, PAGES.name)
            add_files(lake, DAYS[0], 20)
            appended += 20
            assert work.result() >= 20
    assert list_overtaken(table, first)
    assert lake.read(PAGES.name).count() == rows + appended


def list_overtaken(table: str, first: int) -> list[int]:
    """Compactions after `first` that were committed to a later version than the next."""
    commits = enumerate(read_commits(table, first), first)
    infos = [(version, find_info(actions)) for version, actions in commits]
    return [
        version
        for version, info in infos
        if info["operation"] == "OPTIMIZE" and info["readVersion"] < version - 1
    ]


def find_info(actions: list[Action]) -> dict[str, Any]:
    return next(action["commitInfo"] for action in actions if "commitInfo" in action)


def test_who_changes_rows_waits_for_a_compaction(short_lake: Lake) -> None:
    lake, table = short_lake, short_lake.runtime.table(PAGES.name)
    day = f"date = date'{DAYS[0]}'"
    rows = lake.read(PAGES.name).where(day).localCheckpoint()
    version = latest_version(table)
    with ThreadPoolExecutor(1) as pool:
        with hold_files(lake.runtime, PAGES.name):
            work = pool.submit(replace_rows, lake.runtime, PAGES, rows, day)
            add_files(lake, DAYS[1], 3)  # appends do not wait
            assert latest_version(table) == version + 3
            assert not work.done()
        work.result()
    assert latest_version(table) == version + 4


def test_a_compaction_that_fails_is_told(short_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(compact, "compact_beside", fail)
    compactor = Compactor(short_lake.runtime)
    compactor.require_well()
    compactor.count_batch([PAGES.name], every=1)
    told = "compaction of 'gold.pages' has failed: no space left"
    with pytest.raises(CompactionFailed, match=told):
        compactor.close()
    with pytest.raises(CompactionFailed, match=told):
        compactor.require_well()


def test_local_files_are_made_without_another_process(spark: SparkSession, tmp_path: Path) -> None:
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(f"file://{tmp_path}/a b ü/file")
    files = path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    assert files.getClass().getSimpleName() == "BareLocalFileSystem"
    files.create(path).close()
    files.setPermission(path, jvm.org.apache.hadoop.fs.permission.FsPermission("640"))
    file = tmp_path / "a b ü" / "file"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [status.getPath().getName() for status in files.listStatus(path.getParent())] == ["file"]
