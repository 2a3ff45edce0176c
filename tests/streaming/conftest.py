"""Lakes for the tests of flows: made once, then copied, for making ten tables takes its time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from pyspark.sql import DataFrame, SparkSession

from settings.model import Settings
from streaming.runtime import Runtime
from streaming.sinks import Batch, create_tables
from tests.streaming.day import Day, live_day
from tests.streaming.lake import Lake
from tests.streaming.short_history import RECORDS_A_DAY, write_history
from tests.streaming.two_days import live_two_days


class MakeLake(Protocol):
    def __call__(self, like: Lake | None = None) -> Lake: ...


@pytest.fixture(scope="session")
def empty_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    create_tables(Runtime(spark, Settings(data_dir=str(folder))))
    return folder


@pytest.fixture(scope="session")
def two_days(
    spark: SparkSession, empty_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> Lake:
    """A lake of two days, worked through; to be copied."""
    folder = tmp_path_factory.mktemp("days") / "two days ü"
    shutil.copytree(empty_lake, folder)
    lake = Lake(Runtime(spark, Settings(data_dir=str(folder))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "publish", lambda *_: None)
        live_two_days(lake)
    return lake


@pytest.fixture(scope="session")
def short_history(
    spark: SparkSession, empty_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A lake of two days, written by hand; to be copied."""
    folder = tmp_path_factory.mktemp("short") / "history"
    shutil.copytree(empty_lake, folder)
    write_history(Runtime(spark, Settings(data_dir=str(folder))))
    return folder


@pytest.fixture
def short_lake(spark: SparkSession, short_history: Path, tmp_path: Path) -> Lake:
    """A copy of it, with the times of its files."""
    folder = tmp_path / "a b ü"
    shutil.copytree(short_history, folder)
    return Lake(Runtime(spark, Settings(data_dir=str(folder))), fed=2 * RECORDS_A_DAY)


@pytest.fixture
def lake_of_two_days(two_days: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of it, with the times of its files."""
    folder = tmp_path / "a b ü"
    shutil.copytree(two_days.runtime.settings.data_dir, folder)
    monkeypatch.setattr(Batch, "publish", lambda *_: None)
    runtime = Runtime(two_days.runtime.spark, Settings(data_dir=str(folder)))
    return replace(two_days, runtime=runtime, published=[])


@pytest.fixture(scope="module")
def make_lake(
    spark: SparkSession, empty_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeLake]:
    """Makes lakes, in folders whose name is a hard one, with nothing listening as Kafka.

    Empty ones, or with all that is in another one.
    """
    with _make_lakes(spark, empty_lake, tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="session")
def day(spark: SparkSession, empty_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A lake in which a day has happened; made once, only to be read."""
    with _make_lakes(spark, empty_lake, tmp_path_factory) as make:
        return live_day(make())


@contextmanager
def _make_lakes(
    spark: SparkSession, empty_lake: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeLake]:
    lakes: dict[str, Lake] = {}

    def make(like: Lake | None = None) -> Lake:
        folder = tmp_path_factory.mktemp("lake") / "a b ü"
        shutil.copytree(like.runtime.settings.data_dir if like else empty_lake, folder)
        runtime = Runtime(spark, Settings(data_dir=str(folder)))
        if like:
            lake = replace(like, runtime=runtime, published=[*like.published])
        else:
            lake = Lake(runtime)
        lakes[str(folder)] = lake
        return lake

    def publish(batch: Batch, rows: DataFrame, topic: str) -> None:
        assert topic == batch.runtime.settings.kafka.dead_letter_topic
        lakes[batch.runtime.settings.data_dir].published.extend(rows.collect())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "publish", publish)
        yield make
