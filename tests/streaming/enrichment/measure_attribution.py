"""Measure what attribution costs beside parsing: not a test, a command.

`.venv/bin/python -m tests.streaming.enrichment.measure_attribution` runs both over the events of
`bench/generate.py`, and attribution over the visits of `channel_cases.yaml` as well, in a warm
session on one core, and prints processor time of JVM and Python workers per event.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.generate import make_event
from embedded.jars import spark_jars
from embedded.java import java_home
from schemas.event import JSON_OPTIONS, JSON_SCHEMA
from settings.load import CONF_DIR
from settings.model import Settings, StreamSettings
from settings.section import SparkSettings
from streaming.enrichment.attribution import attribute_events
from streaming.enrichment.channels import load_channel_rules
from streaming.session import build_session
from streaming.url import host_of, strip_url
from tests.streaming.enrichment.test_attribution import CHANNEL_CASES, page_of

_EVENTS = 100_000
_WARM_UPS = 3
_RUNS = 5


def main() -> None:
    """Print the table."""
    os.environ["JAVA_HOME"] = str(java_home())
    os.environ["PYSPARK_PYTHON"] = sys.executable
    with TemporaryDirectory() as folder:
        spark = SparkSettings(
            master="local[1]",
            driver_memory="2g",
            conf={"spark.sql.warehouse.dir": f"{folder}/warehouse", "spark.local.dir": folder},
        )
        settings = Settings(spark=spark, stream=StreamSettings(shuffle_partitions=1))
        session = build_session(settings, spark_jars())
        try:
            for step, cost_us in _measure(session, Path(folder) / "events.ndjson").items():
                sys.stdout.write(f"{step:45} {cost_us:6.2f} core-us/event\n")
        finally:
            session.stop()


def _measure(spark: SparkSession, file: Path) -> dict[str, float]:
    rng = random.Random(1)
    file.write_bytes(b"".join(make_event(rng, f"v{number}") for number in range(_EVENTS)))
    rules = load_channel_rules(CONF_DIR / "rules" / "channels.yaml")
    lines = spark.read.text(str(file)).persist()
    parsed = lines.select(F.from_json("value", JSON_SCHEMA, JSON_OPTIONS).alias("event"))
    events = _with_hosts(parsed.select("event.*")).persist()
    visits = spark.createDataFrame(
        [(page_of(case), case.get("referrer")) for case in CHANNEL_CASES],
        "page_url string, referrer string",
    )
    copies = spark.range(_EVENTS // len(CHANNEL_CASES), numPartitions=1)
    cases = _with_hosts(visits.crossJoin(copies)).coalesce(1).persist()
    counted = cases.count()
    read_events, read_cases = _cost_us(events, _EVENTS), _cost_us(cases, counted)
    return {
        "from_json": _cost_us(parsed, _EVENTS) - _cost_us(lines, _EVENTS),
        "attribute_events, bench events": _cost_us(attribute_events(events, rules), _EVENTS)
        - read_events,
        "attribute_events, every case of the channels": _cost_us(
            attribute_events(cases, rules), counted
        )
        - read_cases,
    }


def _with_hosts(events: DataFrame) -> DataFrame:
    return events.withColumns(
        {
            "page_host": F.expr(host_of(strip_url("page_url"))),
            "referrer_host": F.expr(host_of(strip_url("referrer"))),
        }
    )


def _cost_us(rows: DataFrame, count: int) -> float:
    """Microseconds of processor per event, the median of some warm runs."""
    taken = []
    for _ in range(_WARM_UPS + _RUNS):
        started = _processor_s()
        rows.write.format("noop").mode("overwrite").save()
        taken.append(_processor_s() - started)
    return median(taken[_WARM_UPS:]) / count * 1e6


def _processor_s() -> float:
    """Processor seconds so far of this process's descendants: the JVM and its Python workers."""
    ticks: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the two looks
        ticks[int(stat.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    family = {os.getpid()}
    while grown := {pid for pid, (parent, _) in ticks.items() if parent in family} - family:
        family |= grown
    spent = sum(ticks[pid][1] for pid in family - {os.getpid()})
    return spent / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
