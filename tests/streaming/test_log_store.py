"""A log on a local disk is listed as Delta's own store lists it, without a look at every file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from settings.jvm import LOCAL_LOG_STORE


def list_from(spark: SparkSession, store: str, folder: Path, name: str) -> list[tuple[Any, ...]]:
    """What `store` says of the files from `name` on."""
    jvm: Any = spark._jvm
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    make: Any = jvm
    for part in store.split("."):
        make = getattr(make, part)
    path = jvm.org.apache.hadoop.fs.Path(f"file://{folder}/{name}")
    files = make(configuration).listFrom(path, configuration)
    found = []
    while files.hasNext():
        file = files.next()
        place = file.getPath().toUri().getPath()
        found.append((place, file.getLen(), file.getModificationTime(), file.isDirectory()))
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "a table's log"
    folder.mkdir()
    for version in range(5):
        (folder / f"{version:020}.json").write_text("x" * version)
        (folder / f".{version:020}.json.crc").touch()
    (folder / f"{3:020}.checkpoint.parquet").touch()
    (folder / "_last_checkpoint").touch()
    (folder / "_staged_commits").mkdir()
    return folder


@pytest.mark.parametrize(
    "name", [f"{0:020}.", f"{3:020}.checkpoint", f"{3:020}.json", f"{9:020}.", "_z"]
)
def test_the_same_files_in_the_same_order(spark: SparkSession, log: Path, name: str) -> None:
    ours = list_from(spark, LOCAL_LOG_STORE, log, name)
    assert ours == list_from(spark, "io.delta.storage.LocalLogStore", log, name)


def test_every_file_is_listed_from_the_first_name(spark: SparkSession, log: Path) -> None:
    assert len(list_from(spark, LOCAL_LOG_STORE, log, f"{0:020}.")) == 8


def test_a_file_that_goes_meanwhile_is_left_out(spark: SparkSession, log: Path) -> None:
    jvm: Any = spark._jvm
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    path = jvm.org.apache.hadoop.fs.Path(f"file://{log}/{2:020}.json")
    files = jvm.webanalytics.LazyLocalLogStore(configuration).listFrom(path, configuration)
    (log / f"{2:020}.json").unlink()
    assert files.next().getPath().getName() == f"{3:020}.checkpoint.parquet"


def test_a_folder_that_is_not_there_is_said_to_be_missing(
    spark: SparkSession, tmp_path: Path
) -> None:
    with pytest.raises(Py4JJavaError, match="FileNotFoundException.*nowhere"):
        list_from(spark, LOCAL_LOG_STORE, tmp_path / "nowhere", "0")


def test_the_session_uses_it(spark: SparkSession, tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/table"
    spark.range(1).write.format("delta").save(uri)
    jvm: Any = spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, uri)
    store = log.store().schemeBasedLogStore(jvm.org.apache.hadoop.fs.Path(uri))
    assert LOCAL_LOG_STORE in store.logStoreImpl().getClass().getName()
