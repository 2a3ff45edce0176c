"""The proof of the ledger: it passes a lake that is right, and names what is wrong with others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas import bronze, silver
from schemas.gold import GOLD_TABLES, PAGES
from schemas.table import GoldTable, Table
from streaming.gold import aggregate_partials
from streaming.ledger import Ledger, verify
from streaming.runtime import Runtime
from streaming.sessionization import sessionize_events
from streaming.sinks import create_tables
from streaming.sources import read_table
from tests.streaming.fake_lake import TOPIC, commit_batch, delta_offset, make_settings, plan_batch

_START = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ledger", "is_balanced"),
    [
        (Ledger(10, 10, 6, 1, 3), True),
        (Ledger(10, 10, 6, 1, 2, erased=1), True),
        (Ledger(11, 10, 6, 1, 3), False),  # not yet in Bronze
        (Ledger(10, 10, 6, 1, 2), False),  # not yet in Silver, or lost
        (Ledger(10, 10, 6, 1, 4), False),  # counted twice
    ],
)
def test_balance(ledger: Ledger, is_balanced: bool) -> None:
    assert ledger.is_balanced is is_balanced


@pytest.fixture
def runtime(spark: SparkSession, tmp_path: Path) -> Runtime:
    """Five records: two events of a closed session, one of an open one, a copy, a dead letter."""
    runtime = Runtime(spark, make_settings(tmp_path))
    create_tables(runtime)
    events = [_event(0, "v1", 0), _event(1, "v1", 10), _event(2, "v2", 110)]
    _append(runtime, bronze.EVENTS, [_record(offset) for offset in range(5)])
    _append(runtime, silver.EVENTS, events)
    _append(runtime, silver.DUPLICATES, [{**_record(3), "site_id": "s", "event_id": "e0"}])
    _append(runtime, bronze.DEAD_LETTERS, [_record(4)])
    closed = read_table(runtime, silver.EVENTS.name).where("visitor_id = 'v1'")
    thresholds = runtime.rules.current.bots.behaviour
    sessions = sessionize_events(closed, runtime.settings.session, thresholds)
    _write(runtime, silver.SESSIONS, sessions)
    for table in GOLD_TABLES:
        _write(runtime, table, aggregate_partials(read_table(runtime, table.source), table))
    checkpoint = tmp_path / "checkpoints" / "sessions"
    watermark = _START + timedelta(minutes=120)
    plan_batch(checkpoint, 0, delta_offset(2), watermark_ms=int(watermark.timestamp() * 1000))
    commit_batch(checkpoint, 0)
    return runtime


def test_finds_nothing_in_a_right_lake_and_each_wrong_in_a_wrong_one(runtime: Runtime) -> None:
    assert set(_find(runtime).values()) == {0}

    # One event is lost after Bronze, and another is there twice.
    _delete(runtime, silver.EVENTS, "offset = 1")
    _append(runtime, silver.EVENTS, [_event(2, "v2", 110)])
    # Bronze lost a record, and a copy is recorded of an event that nobody has.
    _delete(runtime, bronze.EVENTS, "offset = 3")
    _append(runtime, silver.DUPLICATES, [{**_record(4), "site_id": "s", "event_id": "nobody's"}])
    found = _find(runtime)
    assert found["records_without_one_outcome"] == 4
    assert found["offsets_missing"] == 1
    assert found["events_twice"] == 1
    assert found["duplicates_without_event"] == 1
    # The session that is not there any more, and the one that should be there instead.
    assert found["sessions_wrong"] == 2
    assert found["gold_pages_wrong"] > 0
    assert found["gold_sessions_wrong"] == 0


def test_a_batch_that_was_added_twice_to_gold_is_found(runtime: Runtime) -> None:
    _write(runtime, PAGES, read_table(runtime, PAGES.name))
    found = _find(runtime)
    assert found["gold_pages_wrong"] > 0
    assert sum(found.values()) == found["gold_pages_wrong"]


def _find(runtime: Runtime) -> dict[str, Any]:
    return {check.name: check.value for check in verify(runtime)}


def _record(offset: int) -> dict[str, Any]:
    return {
        "topic": TOPIC,
        "partition": 0,
        "offset": offset,
        "arrival_time": _START,
        "arrival_date": _START.date(),
    }


def _event(offset: int, visitor: str, minute: int) -> dict[str, Any]:
    time = _START + timedelta(minutes=minute)
    return {
        **_record(offset),
        "site_id": "s",
        "event_id": f"e{offset}",
        "event_type": "page_view",
        "event_time": time,
        "event_date": time.date(),
        "visitor_id": visitor,
        "arrival_time": time,
        "is_late": False,
        "page_path": f"/{visitor}",
        "source": "(direct)",
        "is_conversion": False,
        "is_bot": False,
        "load_time_ms": 100.0,
    }


def _append(runtime: Runtime, table: Table, rows: list[dict[str, Any]]) -> None:
    _write(runtime, table, runtime.spark.createDataFrame(rows, table.ddl))


def _write(runtime: Runtime, table: Table | GoldTable, rows: DataFrame) -> None:
    rows.coalesce(1).write.format("delta").mode("append").save(runtime.table(table.name))


def _delete(runtime: Runtime, table: Table, where: str) -> None:
    rows = read_table(runtime, table.name).where(~F.expr(where))
    rows.write.format("delta").mode("overwrite").save(runtime.table(table.name))
