"""Pace: how a batch is run by its size, and that its code is not compiled anew each time."""

from __future__ import annotations

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from streaming.bronze import vary_by_batch
from streaming.pacing import COMPILE_FROM_ROWS, LARGE_ROWS, choose_execution


@pytest.fixture
def session(spark: SparkSession) -> SparkSession:
    """A session like that of a large batch, which leaves the others as they are."""
    own = spark.newSession()
    choose_execution(own, COMPILE_FROM_ROWS)
    return own


def _read(session: SparkSession, value: Column) -> int:
    """Compute rows with a value in them, as a write does; how many classes Spark compiled."""
    compiled = session._jvm.org.apache.spark.metrics.source.CodegenMetrics  # type: ignore[union-attr]
    before = int(compiled.METRIC_COMPILATION_TIME().getCount())
    rows = session.range(3).select("id", value.alias("value"))
    assert rows._jdf.queryExecution().toRdd().count() == 3
    return int(compiled.METRIC_COMPILATION_TIME().getCount()) - before


def test_a_value_that_varies_is_not_compiled_into_the_code(session: SparkSession) -> None:
    first, second, third = (F.timestamp_seconds(F.lit(number)) for number in (17, 18, 19))
    assert _read(session, first) > 0, "nothing is compiled here, so nothing is shown"
    assert _read(session, second) > 0, "a literal is part of the code"
    assert _read(session, vary_by_batch(third)) > 0
    assert _read(session, vary_by_batch(second)) == 0


def test_a_value_that_varies_stays_the_value(session: SparkSession) -> None:
    value = vary_by_batch(F.lit("2026-01-05 10:00:00.25").cast("timestamp"))
    none = vary_by_batch(F.lit(None).cast("timestamp"))
    row = session.range(1).select(F.unix_micros(value), none).collect()[0]
    assert row[0] == 1_767_607_200_250_000
    assert row[1] is None


@pytest.mark.parametrize(
    ("rows", "mode", "days_at_once"),
    [
        (COMPILE_FROM_ROWS - 1, "NO_CODEGEN", "0"),
        (COMPILE_FROM_ROWS, "FALLBACK", "0"),
        (LARGE_ROWS - 1, "FALLBACK", "0"),
        (LARGE_ROWS, "FALLBACK", "20"),
    ],
)
def test_a_large_batch_is_compiled_and_not_sorted(
    session: SparkSession, rows: int, mode: str, days_at_once: str
) -> None:
    choose_execution(session, rows)
    assert session.conf.get("spark.sql.codegen.factoryMode") == mode
    assert session.conf.get("spark.sql.maxConcurrentOutputFileWriters") == days_at_once
