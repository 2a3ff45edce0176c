"""The declarations: complete, free of contradictions, and expressions that Spark understands."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from schemas import bronze, event, silver
from schemas.gold import EVENT_GRAIN, GOLD_TABLES, SESSION_GRAIN
from schemas.table import GoldTable, Table

TABLES = (
    bronze.EVENTS,
    bronze.DEAD_LETTERS,
    silver.EVENTS,
    silver.DUPLICATES,
    silver.SESSIONS,
    silver.HEARTBEATS,
)
SOURCES = {table.name: table for table in TABLES}
# CONTRACT section 2: what other people's programs find in these tables.
PROMISED_EVENTS = (
    *("page_path", "page_host", "utm_source", "utm_medium", "utm_campaign", "referrer_host"),
    *("source", "medium", "campaign", "channel", "device_type", "browser", "os", "country"),
    *("city", "is_bot", "bot_reason", "pii_flags", "quality_score", "quality_flags"),
    *("event_time", "event_date", "event_hour", "visitor_id", "is_late"),
)
PROMISED_SESSIONS = (
    *("session_id", "site_id", "visitor_id", "user_id", "session_start", "session_end"),
    *("duration_s", "event_count", "page_views", "is_engaged", "is_bounce", "entry_page"),
    *("exit_page", "source", "medium", "campaign", "channel", "device_type", "browser", "os"),
    *("country", "conversions", "revenue", "is_bot", "bot_reason"),
)


def _name(table: Table | GoldTable) -> str:
    return table.name


def test_names_are_unique_and_name_their_layer() -> None:
    names = [_name(table) for table in TABLES] + [_name(table) for table in GOLD_TABLES]
    assert max(Counter(names).values()) == 1
    assert all(re.fullmatch(r"(bronze|silver|gold|ops)\.[a-z_]+", name) for name in names)


@pytest.mark.parametrize("table", TABLES, ids=_name)
def test_columns_are_unique_typed_and_explained(table: Table, spark: SparkSession) -> None:
    assert len(set(table.column_names)) == len(table.columns)
    assert all(column.help.endswith(".") for column in table.columns)
    assert set(table.partition_by) | set(table.stats_columns) <= set(table.column_names)
    parsed = spark.createDataFrame([], table.ddl).dtypes
    assert parsed == [(column.name, column.type) for column in table.columns]


def test_the_promised_columns_are_there() -> None:
    assert set(PROMISED_EVENTS) <= set(silver.EVENTS.column_names)
    assert set(PROMISED_SESSIONS) <= set(silver.SESSIONS.column_names)


def test_every_field_of_an_event_is_kept() -> None:
    assert len(set(event.EVENT_FIELDS)) == len(event.EVENT_FIELDS)
    assert set(event.EVENT_FIELDS) <= set(bronze.EVENTS.column_names)
    replaced = {"event_timestamp", "sent_timestamp"}  # by event_time and client_time
    assert set(event.EVENT_FIELDS) - replaced <= set(silver.EVENTS.column_names)


def test_required_fields_and_types_exist() -> None:
    groups = list(event.REQUIRED_ALWAYS)
    for event_type, required in event.REQUIRED_BY_TYPE.items():
        assert event_type in event.EVENT_TYPES
        groups += required
    assert {name for group in groups for name in group} <= set(event.EVENT_FIELDS)


def test_every_gold_table_is_of_one_grain() -> None:
    names = [table.name for table in EVENT_GRAIN + SESSION_GRAIN]
    assert sorted(names) == sorted(table.name for table in GOLD_TABLES)


@pytest.mark.parametrize("table", GOLD_TABLES, ids=_name)
def test_gold_expressions_are_understood_by_spark(table: GoldTable, spark: SparkSession) -> None:
    source = spark.createDataFrame([], SOURCES[table.source].ddl)
    assert dict(source.dtypes)[table.time] == "timestamp"
    dimensions = [F.expr(sql).alias(name) for name, sql in table.dimensions.items()]
    stored = [F.expr(sql).alias(name) for name, sql in table.stored.items()]
    rows = source.selectExpr(*table.row_columns)
    partials = rows.where(table.where).groupBy(*dimensions).agg(*stored)
    metrics = partials.groupBy().agg(*(F.expr(m.sql).alias(m.name) for m in table.metrics))
    assert partials.columns == [*table.dimensions, *table.stored]
    assert metrics.columns == [metric.name for metric in table.metrics]


@pytest.mark.parametrize("table", GOLD_TABLES, ids=_name)
def test_unnested_fields_hide_no_column(table: GoldTable, spark: SparkSession) -> None:
    columns = spark.createDataFrame([], SOURCES[table.source].ddl).selectExpr(*table.row_columns)
    assert max(Counter(columns.columns).values()) == 1


@pytest.mark.parametrize("table", GOLD_TABLES, ids=_name)
def test_gold_names_do_not_collide_and_metrics_are_explained(table: GoldTable) -> None:
    columns = ["bucket", "date", *table.dimensions, *table.stored]
    assert len(set(columns)) == len(columns)
    assert len({metric.name for metric in table.metrics}) == len(table.metrics)
    assert all(metric.help.endswith(".") for metric in table.metrics)
    assert "site_id" in table.dimensions
    assert "is_bot" in table.dimensions
    assert set(table.kept_apart) <= set(table.dimensions)
    assert set(table.partition_by) | set(table.stats_columns) <= set(columns)
