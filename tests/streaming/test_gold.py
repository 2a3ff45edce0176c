"""Gold: partials of parts, merged, say what partials of the whole say."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas import silver
from schemas.gold import GOLD_TABLES, PAGES, SESSION_GRAIN
from schemas.gold.pages import PAGE_ENGAGEMENT
from schemas.gold.performance import PERFORMANCE
from schemas.gold.realtime import REALTIME
from schemas.table import GoldTable
from streaming.checkpoints import FlowState
from streaming.flows.gold import GOLD_DETAILS, GOLD_EVENTS, GOLD_SESSIONS
from streaming.folding import fold_partials, open_folding
from streaming.gold import aggregate_partials, find_columns
from streaming.sinks import Batch
from tests.streaming.conftest import MakeLake
from tests.streaming.lake import read_metrics
from tests.streaming.records import NOON

ROWS = 400
SOURCES = {table.name: table for table in (silver.EVENTS, silver.SESSIONS)}


def _source(spark: SparkSession, name: str, count: int = ROWS) -> DataFrame:
    """Rows of a Silver table over three hours, with 150 visitors, bots and empty fields."""
    table = SOURCES[name]
    number = F.col("id")
    moment = F.lit(NOON) + F.make_dt_interval(secs=number * 27)
    values: dict[str, Any] = {
        "site_id": F.lit("default"),
        "visitor_id": F.concat(F.lit("v"), (number % 150).cast("string")),
        "event_type": F.expr(
            "CASE id % 8 WHEN 0 THEN 'click' WHEN 4 THEN 'scroll' ELSE 'page_view' END"
        ),
        "event_time": moment,
        "session_start": moment,
        "page_path": F.concat(F.lit("/"), (number % 3).cast("string")),
        "entry_page": F.when(number % 5 > 0, F.concat(F.lit("/"), (number % 3).cast("string"))),
        "exit_page": F.when(number % 5 > 1, F.concat(F.lit("/"), (number % 2).cast("string"))),
        "engaged_time_s": (number % 4 * 10).cast("double"),
        "pages": F.expr(
            "transform(array_repeat(0, int(id % 3)), (x, i) -> "
            "struct(concat('/', i) AS page_path, 10D * (i + 1) AS engaged_s))"
        ),
        "scroll_depth_percent": (number % 100).cast("double"),
        "lcp_ms": F.when(number % 3 == 0, number * 20.0),
        "is_conversion": number % 8 == 0,
        "load_time_ms": F.when(number % 2 == 0, number.cast("double")),
        "is_bot": number % 10 == 0,
        "is_engaged": number % 3 == 0,
        "is_bounce": number % 3 != 0,
        "duration_s": number / 8,
        "page_views": number % 7,
        "conversions": number % 2,
        "revenue": F.lit(Decimal("0.1")).cast("decimal(28,4)"),
        "source": F.when(number % 2 == 0, "news").otherwise("(direct)"),
    }
    columns = [
        values.get(column.name, F.lit(None)).cast(column.type).alias(column.name)
        for column in table.columns
    ]
    return spark.range(count).select(*columns)


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: str(table.name))
def test_partials_of_parts_merge_to_partials_of_the_whole(
    table: GoldTable, spark: SparkSession
) -> None:
    rows = _source(spark, table.source)
    part = F.abs(F.hash("visitor_id", table.time)) % 3
    parts = [aggregate_partials(rows.where(part == number), table) for number in range(3)]
    partials = reduce(DataFrame.unionByName, parts)
    merged = read_metrics(partials, table)
    whole = read_metrics(aggregate_partials(rows, table), table)
    assert merged == whole
    assert len(merged) > 3
    folded = fold_partials(partials, table)
    assert folded.dtypes == partials.dtypes
    folded = folded.localCheckpoint()
    assert read_metrics(folded, table) == whole
    assert folded.count() == len(whole) <= partials.count()


def test_a_fold_changes_no_answer_and_leaves_one_row_a_group(
    make_lake: MakeLake, spark: SparkSession
) -> None:
    lake, table = make_lake(), PAGES
    fold = open_folding(lake.runtime.table, (table,), every=9)
    rows = _source(spark, table.source)
    state = FlowState(generation="a")
    for number in range(9):
        batch = Batch(lake.runtime, "gold_events", number, state)
        part = rows.where(
            F.col("load_time_ms").isNull() | (F.abs(F.hash("visitor_id")) % 9 == number)
        )
        batch.append(
            table, aggregate_partials(part, table), {"as_of": f"2026-01-01T00:00:0{number}Z"}
        )
        before = lake.metrics(table)
        fold(batch, {"as_of": "2026-01-01T00:00:09Z"})
        assert len(batch.upkeep) == (number == 8)
        assert lake.metrics(table) == before
    partials = lake.rows(table.name)
    for work in batch.upkeep:
        work()
    assert lake.metrics(table) == before
    assert len(lake.rows(table.name)) == len(before) < len(partials)


def test_page_metrics_are_exact_at_small_sizes(spark: SparkSession) -> None:
    table = PAGES
    rows = _source(spark, table.source).where("NOT is_bot").withColumn("page_path", F.lit("/"))
    (first, *_) = read_metrics(aggregate_partials(rows, table), table)
    # The first hour holds rows 0 to 133; every fourth is a click or a scroll, every tenth a bot.
    numbers = [n for n in range(134) if n % 4 and n % 10]
    loads = sorted(n for n in numbers if n % 2 == 0)
    assert first["bucket"] == NOON.replace(tzinfo=None)
    assert first["page_views"] == len(numbers)
    assert first["unique_visitors"] == len(numbers)
    for rank in (50, 90, 99):
        exact = loads[math.ceil(rank / 100 * len(loads)) - 1]
        assert first[f"load_time_p{rank}_ms"] == exact


def test_a_page_that_nobody_measured_has_no_percentiles(spark: SparkSession) -> None:
    table = PAGES
    rows = _source(spark, table.source, 3).withColumn("load_time_ms", F.lit(None).cast("double"))
    for row in read_metrics(aggregate_partials(rows, table), table):
        assert row["page_views"] > 0
        assert [row[f"load_time_p{rank}_ms"] for rank in (50, 90, 99)] == [None] * 3


def test_session_metrics_are_ratios_of_sums(spark: SparkSession) -> None:
    table = next(table for table in SESSION_GRAIN if table.name == "gold.sessions")
    rows = _source(spark, table.source, 120).where("NOT is_bot AND source = 'news'")
    (row,) = read_metrics(aggregate_partials(rows, table), table)
    numbers = [n for n in range(120) if n % 10 and n % 2 == 0]
    bounces = sum(n % 3 != 0 for n in numbers)
    assert row["sessions"] == len(numbers)
    assert (row["engaged_sessions"], row["bounces"]) == (len(numbers) - bounces, bounces)
    assert row["bounce_rate"] == pytest.approx(bounces / len(numbers))
    assert row["avg_duration_s"] == pytest.approx(sum(n / 8 for n in numbers) / len(numbers))
    assert row["pages_per_session"] == pytest.approx(sum(n % 7 for n in numbers) / len(numbers))
    assert row["revenue"] == Decimal("0.1") * len(numbers)
    assert row["unique_visitors"] == len(numbers)


def test_scrolling_is_no_page_view_and_has_its_own_mean(spark: SparkSession) -> None:
    rows = _source(spark, PAGES.source, 40).where("NOT is_bot").withColumn("page_path", F.lit("/"))
    (row,) = read_metrics(aggregate_partials(rows, PAGES), PAGES)
    numbers = [n for n in range(40) if n % 10]
    depths = [n for n in numbers if n % 8 == 4]
    assert row["page_views"] == sum(n % 4 != 0 for n in numbers)
    assert row["avg_scroll_depth_percent"] == pytest.approx(sum(depths) / len(depths))


def test_engaged_time_of_a_page_is_that_of_the_sessions_that_saw_it(spark: SparkSession) -> None:
    rows = _source(spark, PAGE_ENGAGEMENT.source, 30).withColumn("is_bot", F.lit(False))
    rows = rows.withColumn("source", F.lit("news"))
    partials = aggregate_partials(rows, PAGE_ENGAGEMENT)
    found = {row["page_path"]: row for row in partials.collect()}
    # Every third session saw none, one "/0" for 10 s, one "/0" for 10 s and "/1" for 20 s.
    assert {path: (row["visits"], row["engaged_s"]) for path, row in found.items()} == {
        "/0": (20, 200.0),
        "/1": (10, 200.0),
    }


def test_each_measure_has_rows_of_its_own(spark: SparkSession) -> None:
    rows = _source(spark, PERFORMANCE.source, 40)
    partials = aggregate_partials(rows, PERFORMANCE).groupBy("metric").agg(F.sum("samples"))
    views = [n for n in range(40) if n % 4]
    assert dict(tuple(row) for row in partials.collect()) == {
        "load_time_ms": sum(n % 2 == 0 for n in views),
        "lcp_ms": sum(n % 3 == 0 for n in views),
    }


def test_minutes_are_minutes(spark: SparkSession) -> None:
    rows = _source(spark, REALTIME.source, 5)  # 27 seconds apart
    found = aggregate_partials(rows, REALTIME).select("bucket").distinct().collect()
    assert {row[0].minute for row in found} == {0, 1}


def test_the_columns_that_tables_are_made_from_are_found() -> None:
    assert find_columns([PERFORMANCE], silver.EVENTS) == [
        *("site_id", "event_type", "event_time", "page_path", "device_type", "country"),
        *("load_time_ms", "ttfb_ms", "fcp_ms", "lcp_ms", "inp_ms", "cls", "is_bot"),
    ]


def test_the_hour_is_that_of_the_time_in_utc(spark: SparkSession) -> None:
    table = PAGES
    rows = _source(spark, table.source, 2).withColumn(
        "event_time", F.lit(NOON.replace(hour=23, minute=59, second=59, microsecond=999_999))
    )
    found = aggregate_partials(rows, table).select("bucket", "date").distinct().collect()
    hour = NOON.replace(hour=23, tzinfo=None)
    assert [tuple(row) for row in found] == [(hour, hour.date())]


def test_a_flow_reads_the_columns_that_its_tables_are_made_from(make_lake: MakeLake) -> None:
    runtime = make_lake().runtime
    pages = GOLD_EVENTS.read(runtime).columns
    assert {"page_path", "event_time", "event_date", "_change_type"} <= {*pages}
    assert {"user_agent", "properties", "revenue"}.isdisjoint(pages)
    assert "revenue" in GOLD_DETAILS.read(runtime).columns
    assert "engaged_time_s" in GOLD_SESSIONS.read(runtime).columns
