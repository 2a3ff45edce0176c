"""The bench's steps: the product's own, each run over all rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bench import steps
from bench.generate import write_event_set
from settings.load import load_settings
from streaming.rules import load_rules


def test_every_step_computes_every_event_with_and_without_its_work(
    spark: SparkSession, tmp_path: Path
) -> None:
    made = write_event_set(tmp_path / "a.ndjson", 0, 40, seed=1)
    settings = load_settings()
    records = steps.make_records(spark.read.text(made.file))
    listed = list(steps.list_steps(records, settings, load_rules(settings)))
    spark.catalog.clearCache()
    assert [step.name for step in listed][:3] == ["parse", "judge", "enrichment"]
    assert {(step.read(), step.work()) for step in listed} == {(40, 40)}


def test_a_step_costs_what_it_takes_beyond_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0

    def take(seconds: float) -> int:
        nonlocal clock
        clock += seconds
        return 1

    monkeypatch.setattr(steps, "read_core_s", lambda: clock)
    listed = [
        steps.Step("cheap", lambda: take(1), lambda: take(1.5)),
        steps.Step("dear", lambda: take(2), lambda: take(6)),
    ]
    assert steps.compare(listed, runs=3) == pytest.approx({"cheap": 0.5, "dear": 4})
