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


class MakeLake(Protocol):
    def __call__(self, like: Lake | None = None) -> Lake: ...


@pytest.fixture(scope="session")
def empty_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    create_tables(Runtime(spark, Settings(data_dir=str(folder))))
    return folder


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
