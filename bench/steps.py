"""What each step costs one event, in core-microseconds: parsing, judging, enriching.

From the event set to processor time of JVM and Python workers, in the product's own session on one
core. Every step is planned once and run over rows that lie in memory, then the rows alone are read;
the difference is the step's. So planning, reading and writing are left out.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from bench.cores import read_core_s
from bench.generate import PLACEHOLDER_MS
from bench.numbers import median
from embedded.jars import spark_jars
from embedded.java import java_home
from schemas.silver import EVENTS
from settings.load import load_settings
from settings.model import Settings
from streaming import enrich
from streaming.bronze import parse_records
from streaming.enrichment.address_storage import truncate_address
from streaming.enrichment.attribution import attribute_events, judge_hints
from streaming.enrichment.language import parse_language
from streaming.enrichment.privacy import redact_events, withhold_identity
from streaming.pacing import LARGE_ROWS, choose_execution
from streaming.rules import Rules, load_rules
from streaming.session import build_session
from streaming.silver import judge_events

# Until the JVM has compiled what is run.
_WARM_UPS = 3

# Computes all rows of a plan and throws them away.
Run = Callable[[], int]


@dataclass(frozen=True)
class Step:
    """A step, planned: runs that only read its rows, and runs that do its work as well."""

    name: str
    read: Run
    work: Run


def measure_steps(file: str, events: int, runs: int, log: Path) -> dict[str, Any]:
    """Core-microseconds per event of each step: the median of so many warm runs."""
    # A process of its own: its JVM is gone, and with it the memory, when the chain is measured.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, file, events, runs, log).result()


def _measure(file: str, events: int, runs: int, log: Path) -> dict[str, Any]:
    with log.open("wb") as output:  # Spark's chatter, which would run across the progress bars
        os.dup2(output.fileno(), 2)
    with TemporaryDirectory() as folder:
        settings = load_settings(
            spark={
                "master": "local[1]",
                "driver_memory": "2g",
                "conf": {"spark.sql.warehouse.dir": folder, "spark.local.dir": folder},
            }
        )
        os.environ["JAVA_HOME"] = str(java_home())
        spark = build_session(settings, spark_jars())
        try:
            records = _keep(make_records(spark.read.text(file).limit(events)))
            rules = load_rules(settings)
            cost_us = {}
            # As the product runs small batches and large ones: streaming/pacing.py.
            for mode, rows in (("interpreted", 0), ("compiled", LARGE_ROWS)):
                choose_execution(spark, rows)
                costs = compare(list(list_steps(records, settings, rules)), runs)
                cost_us[mode] = {
                    name: round(cost / events * 1e6, 2) for name, cost in costs.items()
                }
        finally:
            spark.stop()
    ratios = {mode: costs["enrichment"] / costs["parse"] for mode, costs in cost_us.items()}
    return {
        "events": events,
        "core_us_per_event": cost_us,
        "enrichment_to_parsing": {mode: round(ratio, 3) for mode, ratio in ratios.items()},
    }


def list_steps(records: DataFrame, settings: Settings, rules: Rules) -> Iterator[Step]:
    """Parsing, judging, enrichment as a whole, then each part of it.

    records: of Kafka, as `parse_records` takes them. A step gets rows kept in memory.
    """
    parsed = parse_records(records)
    yield _plan("parse", records, parsed)
    bronze = _keep(parsed.withColumn("stream_time", F.col("arrival_time")))
    judged = judge_events(bronze, settings)
    yield _plan("judge", bronze, judged)
    events = _keep(judged.select("event.*"))
    yield _plan("enrichment", events, enrich.enrich_events(events, settings, rules))

    redacted = redact_events(events, rules.privacy)
    yield _plan("redact personal data", events, redacted)
    redacted = _keep(redacted)
    located = redacted.withColumns(enrich.locate_page())
    yield _plan("hosts and path", redacted, located)
    located = _keep(located)
    yield _plan("source and channel", located, attribute_events(located, rules.channels))
    agents = rules.classify_agents(F.col("user_agent"))
    yield _plan("agent", located, located.withColumn("_agent", agents))
    places = rules.locate_addresses(F.col("ip_address"))
    yield _plan("place", located, located.withColumn("_place", places))
    looked_up = located.withColumns(enrich.look_up(rules))
    yield _plan("agent, place and source in one pass", located, looked_up)
    looked_up = _keep(looked_up)
    channels = judge_hints(rules.channels)
    yield _plan("channel from source", looked_up, looked_up.withColumns(channels))
    cut = truncate_address("ip_address", rules.privacy.ip_address)
    texts = {"language": F.expr(parse_language("language")), "ip_address": F.expr(cut)}
    yield _plan("language, address cut", looked_up, looked_up.withColumns(texts))
    classified = _keep(looked_up.withColumns(channels | enrich.classify(rules)))
    rated = classified.withColumns(enrich.find_conversions(settings) | enrich.rate_quality(rules))
    yield _plan("conversion, quality", classified, rated)
    rated = _keep(rated)
    yield _plan("consent", rated, withhold_identity(rated).select(*EVENTS.column_names))


def make_records(lines: DataFrame) -> DataFrame:
    """Lines as Kafka's source gives them, arrived a second after they happened."""
    return lines.select(
        F.lit("bench").alias("topic"),
        F.lit(0).alias("partition"),
        F.monotonically_increasing_id().alias("offset"),
        F.timestamp_millis(F.lit(PLACEHOLDER_MS + 1000)).alias("timestamp"),
        F.lit(1).alias("timestampType"),
        F.col("value").cast("binary").alias("value"),
    )


def _keep(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and then read from memory."""
    kept = rows.persist()
    kept.count()
    return kept


def compare(steps: list[Step], runs: int) -> dict[str, float]:
    """Core-seconds of each step: the median difference between its runs and those without it."""
    costs: dict[str, list[float]] = {step.name: [] for step in steps}
    # In turn, so that whatever else happens on the machine meets all of them.
    for number in range(_WARM_UPS + runs):
        for step in steps:
            read_s, work_s = _time(step.read), _time(step.work)
            if number >= _WARM_UPS:
                costs[step.name].append(work_s - read_s)
    return {name: median(values) for name, values in costs.items()}


def _plan(name: str, before: DataFrame, after: DataFrame) -> Step:
    """Plan a step, once: a write would do so each time. Now, before its own rows are kept."""
    # A frame keeps its first plan, so `before` may have one from when its rows were not kept yet.
    read, work = (
        rows._jdf.queryExecution().toRdd() for rows in (before.select("*"), after.select("*"))
    )
    return Step(name, read.count, work.count)


def _time(run: Run) -> float:
    started = read_core_s()
    run()
    return read_core_s() - started
