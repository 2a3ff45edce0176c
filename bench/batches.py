"""What each flow costs one event in large batches: flow after flow, each in its turn alone.

`python -m bench.batches [key=value ...]` prints core-microseconds per event of each flow and batch
(processor time of JVM, Python workers and broker); Spark properties given as key=value are tried
instead of the product's. docs/adr/0014 and docs/performance.md have what it showed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from pyspark.sql import SparkSession

from bench.broker import run_broker
from bench.cores import read_core_s
from bench.generate import read_events, write_event_set
from bench.send import make_producer, send_all
from embedded.jars import spark_jars
from embedded.java import java_home
from settings.load import load_settings
from settings.logs import configure_logging
from settings.model import Settings
from streaming.__main__ import hold_app
from streaming.pipeline import FLOWS
from streaming.run import drain_flows

_TOPIC = "batches"
_CLASSES = "  classes"
# Sessions that end while the next batch is sent, so that closing them is part of each.
_SESSION = {"gap_s": 5, "allowed_lateness_s": 5, "read_skew_s": 5}


def main(
    properties: Annotated[list[str] | None, typer.Argument(help="Spark properties.")] = None,
    events: Annotated[int, typer.Option(help="Events in a batch.", min=1000)] = 100_000,
    batches: Annotated[int, typer.Option(help="Batches; the last ones count.", min=2)] = 5,
) -> None:
    """Work through batches of events, flow after flow, and print what each flow cost."""
    with TemporaryDirectory() as name, run_broker(Path(name, "kafka"), (_TOPIC,)) as broker:
        settings = _make_settings(Path(name), broker, events, read_properties(properties or []))
        configure_logging(settings)
        os.environ["JAVA_HOME"] = str(java_home())
        producer = make_producer(broker)
        file = Path(name, "events.ndjson")
        with hold_app(settings, spark_jars()) as (runtime, states):
            typer.echo(_format(["batch", *(flow.name for flow in FLOWS), "all"]))
            for number in range(batches):
                write_event_set(file, 0, events, seed=number)
                send_all(producer, _TOPIC, read_events(str(file), 0, events))
                costs = []
                for flow in FLOWS:
                    before = _read_counters(runtime.spark)
                    drain_flows(runtime, (flow,), states, beats=False)
                    after = _read_counters(runtime.spark)
                    costs.append({name: after[name] - before[name] for name in after})
                for counter in costs[0]:
                    each = [cost[counter] for cost in costs]
                    per = 1 if counter == _CLASSES else events / 1e6
                    typer.echo(
                        _format([counter, *(f"{one / per:.0f}" for one in (*each, sum(each)))])
                    )


def _make_settings(
    folder: Path, broker: str, events: int, properties: Mapping[str, str]
) -> Settings:
    conf = {"spark.sql.warehouse.dir": str(folder), "spark.local.dir": str(folder), **properties}
    return load_settings(
        data_dir=str(folder / "data"),
        session=_SESSION,
        log={"level": "warning"},
        kafka={
            "bootstrap_servers": broker,
            "topic": _TOPIC,
            "dead_letter_topic": f"{_TOPIC}-dead",
            "max_offsets_per_trigger": events,
        },
        spark={"master": "local[2]", "driver_memory": "3g", "conf": conf},
    )


def read_properties(given: list[str]) -> dict[str, str]:
    """Spark properties from texts like key=value. Raises typer.BadParameter."""
    for text in given:
        if "=" not in text:
            raise typer.BadParameter(f"'{text}' is no key=value")
    return dict(text.split("=", 1) for text in given)


def _read_counters(spark: SparkSession) -> dict[str, float]:
    """Seconds so far, of compiler and collector as the JVM counts them; and classes by Spark."""
    jvm: Any = spark._jvm
    beans = jvm.java.lang.management.ManagementFactory
    collectors = beans.getGarbageCollectorMXBeans()
    compiled = jvm.org.apache.spark.metrics.source.CodegenMetrics.METRIC_COMPILATION_TIME()
    return {
        "core-us": read_core_s(),
        "  JIT": beans.getCompilationMXBean().getTotalCompilationTime() / 1000,
        "  GC": sum(bean.getCollectionTime() for bean in collectors) / 1000,
        _CLASSES: compiled.getCount(),
    }


def _format(cells: list[str]) -> str:
    return cells[0].ljust(10) + "".join(cell.rjust(15) for cell in cells[1:])


if __name__ == "__main__":
    typer.run(main)
