"""Measure what the search for personal data costs beside parsing: not a test, a command.

`.venv/bin/python -m tests.streaming.enrichment.measure_privacy` makes events with `traffic`, runs
each step over them in a warm session, and prints the processor time of the JVM per event.
"""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from embedded.jars import spark_jars
from embedded.java import java_home
from schemas.event import JSON_OPTIONS, JSON_SCHEMA
from schemas.privacy import PrivacyRules
from settings.model import Settings, StreamSettings
from settings.section import SparkSettings
from streaming.enrichment.address_storage import truncate_address
from streaming.enrichment.privacy import find_personal_data, redact_events, withhold_identity
from streaming.session import build_session
from traffic.generate import Plan, generate

_EVENTS = 100_000
_WARM_UPS, _RUNS = 4, 7


def main() -> None:
    """Print the table."""
    os.environ["JAVA_HOME"] = str(java_home())
    with TemporaryDirectory() as folder:
        spark = SparkSettings(
            master="local[1]",
            driver_memory="2g",
            conf={"spark.sql.warehouse.dir": f"{folder}/warehouse", "spark.local.dir": folder},
        )
        settings = Settings(spark=spark, stream=StreamSettings(shuffle_partitions=1))
        session = build_session(settings, spark_jars())
        try:
            rows = _measure(session, Path(folder) / "events.ndjson")
        finally:
            session.stop()
    sys.stdout.writelines(f"{step:26} {value:6.2f} {unit}\n" for step, value, unit in rows)


def _measure(spark: SparkSession, file: Path) -> list[tuple[str, float, str]]:
    plan = Plan(start_ms=1_715_688_000_000, live_events=None, rate=50.0)
    encoded = (record.encode() for record in generate(plan))
    file.write_bytes(b"\n".join(islice((line for line in encoded if line), _EVENTS)))
    lines = spark.read.text(str(file)).coalesce(1).persist()
    parsed = lines.select(F.from_json("value", JSON_SCHEMA, JSON_OPTIONS).alias("event"))
    consent = F.expr("try_cast(consent_analytics AS boolean)")
    events = parsed.select("event.*").withColumn("consent_analytics", consent).persist()
    count = events.count()
    suspects = events.where(f"{find_personal_data(PrivacyRules())} IS NOT NULL").count()
    read_lines, read_events = _cost_us(lines), _cost_us(events)
    steps = {
        "one plain projection": events.withColumn("one", F.lit(1)),
        "redact_events": redact_events(events),
        "withhold_identity": withhold_identity(events),
        "truncate_address": events.withColumn("cut", F.expr(truncate_address("ip_address"))),
    }
    mailed = events.withColumn("page_title", F.lit("user@example.com"))
    read_mailed = _cost_us(mailed)
    return [
        ("looked at closely", 100 * suspects / count, "% of events"),
        ("from_json", _cost_us(parsed) - read_lines, "us/event"),
        ("redact_events, all e-mail", _cost_us(redact_events(mailed)) - read_mailed, "us/event"),
        *((name, _cost_us(rows) - read_events, "us/event") for name, rows in steps.items()),
    ]


def _cost_us(rows: DataFrame) -> float:
    """Processor time per event, the median of some warm runs."""
    taken = []
    for _ in range(_WARM_UPS + _RUNS):
        started = _cpu_s()
        rows.write.format("noop").mode("overwrite").save()
        taken.append(_cpu_s() - started)
    return median(taken[_WARM_UPS:]) / _EVENTS * 1e6


def _cpu_s() -> float:
    """Processor time of the JVM so far: other programs on the machine do not count."""
    assert SparkContext._gateway is not None
    fields = Path(f"/proc/{SparkContext._gateway.proc.pid}/stat").read_text().rpartition(")")[2]
    ticks = sum(int(field) for field in fields.split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
