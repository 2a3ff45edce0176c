"""Where the time of a small micro-batch goes: planning and running each step over 1,000 events.

`python -m bench.small_batches [key=value ...]` prints milliseconds of wall time; Spark properties
given as key=value are tried instead of the product's. docs/adr/0005 has what it showed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bench.batches import read_properties
from bench.generate import write_event_set
from bench.numbers import median
from bench.steps import make_records
from embedded.jars import spark_jars
from embedded.java import java_home
from schemas.gold.pages import PAGES
from settings.load import load_settings
from streaming.bronze import parse_records
from streaming.enrich import enrich_events, prepare_enrichment
from streaming.gold import prepare_partials
from streaming.rules import load_rules
from streaming.session import build_session
from streaming.silver import judge_events

_EVENTS = 1_000
_WARM_UPS, _RUNS = 6, 9
_PARTS = ("build", "optimize", "plan", "run")


def time_step(make: Callable[[], DataFrame]) -> dict[str, float]:
    """Milliseconds of each part of a batch: the median of warm runs."""
    found: list[list[float]] = []
    for _ in range(_WARM_UPS + _RUNS):
        moments = [time.perf_counter()]
        rows = make()
        moments.append(time.perf_counter())
        execution = rows._jdf.queryExecution()
        execution.optimizedPlan()
        moments.append(time.perf_counter())
        execution.executedPlan()
        moments.append(time.perf_counter())
        # As `keep_batch` does: what Spark infers of the rows for the frame is part of the price.
        rows.localCheckpoint()
        moments.append(time.perf_counter())
        found.append(
            [1000 * (end - start) for start, end in zip(moments, moments[1:], strict=False)]
        )
    return {part: median([run[i] for run in found[_WARM_UPS:]]) for i, part in enumerate(_PARTS)}


def main(
    properties: Annotated[list[str] | None, typer.Argument(help="Spark properties.")] = None,
) -> None:
    """Print milliseconds of planning and running each step over 1,000 events."""
    with TemporaryDirectory() as folder:
        conf = {"spark.sql.warehouse.dir": folder, "spark.local.dir": folder}
        conf |= read_properties(properties or [])
        settings = load_settings(spark={"master": "local[2]", "driver_memory": "2g", "conf": conf})
        os.environ["JAVA_HOME"] = str(java_home())
        rules = load_rules(settings)
        spark = build_session(settings, spark_jars())
        try:
            made = write_event_set(Path(folder) / "events.ndjson", 0, _EVENTS, seed=1)
            records = make_records(spark.read.text(made.file)).localCheckpoint()
            parsed = parse_records(records).withColumn("stream_time", F.col("arrival_time"))
            bronze = parsed.localCheckpoint()
            judged = judge_events(bronze, settings).select("event.*").localCheckpoint()
            events = enrich_events(judged, settings, rules).localCheckpoint()
            enrich, aggregate = prepare_enrichment(settings, rules), prepare_partials(PAGES)
            steps: dict[str, Callable[[], DataFrame]] = {
                "parse": lambda: parse_records(records),
                "judge": lambda: judge_events(bronze, settings),
                "enrich": lambda: enrich(judged),
                "page metrics": lambda: aggregate(events),
            }
            for name, make in steps.items():
                parts = time_step(make)
                shown = ", ".join(f"{part} {value:.0f}" for part, value in parts.items())
                typer.echo(f"{name}: {shown} ms")
        finally:
            spark.stop()


if __name__ == "__main__":
    typer.run(main)
