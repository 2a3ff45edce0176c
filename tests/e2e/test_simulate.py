"""Simulated traffic with every fault, from a file to HTTP, against the truth written beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from streaming.runtime import Runtime
from streaming.sinks import append_heartbeat
from streaming.sources import read_table
from tests.e2e import truth as compare
from tests.e2e.app import App
from tests.e2e.lines import shuffle_lines, split_lines
from tests.e2e.test_faults import verify_lake

EVENTS = int(os.environ.get("TEST_EVENTS", "10000"))
_WHOLE_TRUTH = 100_000
_DAYS = 7


def make_traffic(app: App, events: int) -> tuple[list[bytes], dict[str, Any]]:
    """The lines that `simulate` writes, and the truth of them."""
    out, truth = app.folder / "traffic.ndjson", app.folder / "truth.json"
    start = datetime.now(UTC).replace(microsecond=0)
    app.run(
        *("simulate", "--days", str(_DAYS), "--events", str(events), "--sites", "3"),
        *("--visitors", str(events // 20), "--all-faults", "--seed", "11", "--json"),
        *("--start", start.isoformat(), "--out", str(out), "--truth", str(truth)),
    )
    return out.read_bytes().splitlines(keepends=True), json.loads(truth.read_text())


def send(app: App, lines: Iterable[bytes], name: str) -> None:
    file = app.folder / f"{name}.ndjson"
    file.write_bytes(b"".join(lines))
    app.send(file)


def let_time_pass(app: App, spark: SparkSession) -> None:
    """Close what is open, as if two hours had gone by and nothing had come."""
    later = datetime.now(UTC) + timedelta(hours=2)
    row = spark.createDataFrame([(later,)], "complete_at timestamp")
    append_heartbeat(Runtime(spark, app.settings), row)
    app.drain()


def require_truth(app: App, truth: dict[str, Any], spark: SparkSession, first_day: str) -> None:
    """Everything that the truth says and the product can be asked for."""
    runtime = Runtime(spark, app.settings)
    now = datetime.now(UTC)
    span = {"start": first_day, "end": now.isoformat()}
    assert compare.compare_ledger(app.run("status", "--json"), truth) == []
    letters = [row.asDict() for row in read_table(runtime, "bronze.dead_letters").collect()]
    assert compare.compare_dead_letters(letters, truth) == []
    events = [row.asDict() for row in read_table(runtime, "silver.events").collect()]
    assert compare.compare_events(events, truth) == []
    assert compare.compare_personal_data(events, truth) == []
    people = [row for row in events if not row["is_bot"]]
    assert compare.compare_events(people, truth, "without_bots") == []
    with app.serve() as get:
        for population in ("all", "without_bots"):
            for site in (None, *truth["populations"]["all"]["sites"]):
                assert compare.compare_pages(get, truth, population, site, **span) == []
                assert compare.compare_sessions(get, truth, population, site, **span) == []
                assert compare.compare_sources(get, truth, population, site, **span) == []
                assert compare.compare_conversions(get, truth, population, site, **span) == []
            today = {now.date().isoformat()}
            assert compare.compare_days(get, truth, population, today, **span) == []
        assert compare.compare_devices(get, truth, **span) == []
        measured = get("/performance", include_bots="true", **span)["data"]
        assert compare.compare_performance(measured, truth) == []
    verify_lake(app, spark, truth["conflicts"])


def first_day_of(truth: dict[str, Any]) -> str:
    return str(min(truth["populations"]["all"]["total"]["days"]))


@pytest.mark.e2e
def test_what_comes_out_is_the_truth(
    tmp_path: Path, kafka_broker: str, spark: SparkSession
) -> None:
    app = App(tmp_path, kafka_broker, "simulated")
    lines, truth = make_traffic(app, EVENTS)
    send(app, lines, "all")
    app.drain()
    let_time_pass(app, spark)
    require_truth(app, truth, spark, first_day_of(truth))


@pytest.mark.integration
def test_shuffled_and_with_three_restarts_it_is_the_same_truth(
    tmp_path: Path, kafka_broker: str, spark: SparkSession
) -> None:
    app = App(tmp_path / "a", kafka_broker, "simulated_restarts")
    lines, truth = make_traffic(app, max(EVENTS, _WHOLE_TRUTH))
    for number, part in enumerate(split_lines(shuffle_lines(lines, seed=5), 4)):
        send(app, part, f"part{number}")
        app.drain()
    let_time_pass(app, spark)
    require_truth(app, truth, spark, first_day_of(truth))
