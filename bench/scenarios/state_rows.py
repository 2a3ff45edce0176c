"""Rows of state that the flows keep: deduplication's keys and open sessions, by the checkpoints.

Reads what the last finished batch has written, with Spark's own `statestore` source, in a process
of its own whose memory is gone afterwards.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from embedded.jars import spark_jars
from embedded.java import java_home
from settings.load import load_settings
from streaming.session import build_session

STATEFUL_FLOWS = ("silver", "sessions")


def count_state_rows(checkpoints: str, log: Path) -> dict[str, int]:
    """Rows of state by flow; checkpoints: their URI. Works while the app runs."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_count, checkpoints, log).result()


def _count(checkpoints: str, log: Path) -> dict[str, int]:
    with log.open("wb") as output:  # Spark's chatter
        os.dup2(output.fileno(), 2)
    os.environ["JAVA_HOME"] = str(java_home())
    settings = load_settings(spark={"master": "local[1]", "driver_memory": "1g"})
    spark = build_session(settings, spark_jars())
    try:
        # Reading state reports to the coordinator of streams, which a session makes when asked.
        _ = spark.streams.active
        return {
            flow: spark.read.format("statestore").load(f"{checkpoints}/{flow}").count()
            for flow in STATEFUL_FLOWS
        }
    except (PySparkException, Py4JJavaError) as error:
        # As it is, it holds on to the JVM and cannot leave this process.
        raise RuntimeError(f"the state cannot be read: {str(error)[:300]}; see {log}") from None
    finally:
        spark.stop()
