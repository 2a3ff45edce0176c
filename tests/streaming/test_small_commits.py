"""What keeps a small commit small (docs/adr/0012): the flows' compaction, and local files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from schemas.gold.pages import PAGES
from streaming.delta_log import latest_version
from streaming.maintenance.compact import compact_table, open_compaction
from streaming.maintenance.files import FLOW_SIZES, list_files
from tests.streaming.lake import Lake

DAYS = ["2024-05-14", "2024-05-15"]


def list_days(lake: Lake) -> list[str]:
    return sorted(
        str(file.partition_values["date"]) for file in list_files(lake.runtime, PAGES.name)
    )


def test_a_flow_compacts_its_tables_every_so_many_batches(short_lake: Lake) -> None:
    lake, table = short_lake, short_lake.runtime.table(PAGES.name)
    before = lake.metrics(PAGES)
    rows = lake.read(PAGES.name)
    one = rows.where(f"date = date'{DAYS[0]}'").limit(1).coalesce(1)
    for _ in range(20):
        one.write.format("delta").mode("append").save(table)
    after = lake.metrics(PAGES)
    assert after != before
    days = list_days(lake)
    assert days.count(DAYS[0]) >= 20 > days.count(DAYS[1]) > 1

    turns: list[tuple[int, int]] = []

    @contextmanager
    def take_turn() -> Iterator[None]:
        began = latest_version(table)
        yield
        turns.append((began, latest_version(table)))

    compact = open_compaction([PAGES.name], take_turn, every=2)
    version = latest_version(table)
    compact(lake.runtime)
    assert (latest_version(table), turns) == (version, [])
    compact(lake.runtime)
    assert turns == [(version, version + 1)]

    # The day with few files is not worth a commit.
    assert latest_version(table) == version + 1
    assert list_days(lake).count(DAYS[0]) == 1
    assert list_days(lake).count(DAYS[1]) == days.count(DAYS[1])
    assert lake.metrics(PAGES) == after
    assert compact_table(lake.runtime, PAGES.name, FLOW_SIZES, at_least=20) == 0


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
