"""Runs `bench/scenarios/history.py` in a process of its own, on a lake whose app is down."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from bench.scenarios.history import make_sites, pad_log, write_history
from embedded.jars import spark_jars
from embedded.java import java_home
from schemas import bronze, silver
from schemas.gold.pages import PAGES
from settings.load import load_settings
from streaming.runtime import Runtime
from streaming.session import build_session
from streaming.sinks import create_tables

_T = TypeVar("_T")

# The tables that get a commit every second or two; the others have a few an hour.
_BUSY = (bronze.EVENTS.name, silver.EVENTS.name, PAGES.name)
# Rows at once: what is kept in memory meanwhile.
_DAYS_AT_ONCE = 40


def run_apart(work: Callable[..., _T], data_dir: Path, log: Path, *arguments: Any) -> _T:
    """The result of `work(runtime, *arguments)`, with a Spark of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, work, data_dir, log, arguments).result()


def _run(work: Callable[..., _T], data_dir: Path, log: Path, arguments: tuple[Any, ...]) -> _T:
    with log.open("ab") as output:  # Spark's chatter
        os.dup2(output.fileno(), 2)
    os.environ["JAVA_HOME"] = str(java_home())
    settings = load_settings(data_dir=str(data_dir))
    runtime = Runtime(build_session(settings, spark_jars()), settings)
    try:
        create_tables(runtime)
        return work(runtime, *arguments)
    except (PySparkException, Py4JJavaError) as error:
        # As it is, it holds on to the JVM and cannot leave this process.
        raise RuntimeError(f"{work.__name__} failed: {str(error)[:300]}; see {log}") from None
    finally:
        runtime.spark.stop()


def add_days(runtime: Runtime, first: dt.date, days: int, events_per_day: int) -> None:
    """So many days of both sites, from `first` on."""
    # Compiled: millions of rows (streaming/pacing.py).
    runtime.spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    for site in make_sites(events_per_day):
        for offset in range(0, days, _DAYS_AT_ONCE):
            count = min(_DAYS_AT_ONCE, days - offset)
            write_history(runtime, site, first + dt.timedelta(days=offset), count)


def lengthen_logs(runtime: Runtime, commits: int) -> None:
    """Commits that change nothing, in the tables that get one every second or two."""
    for table in _BUSY:
        pad_log(runtime, table, commits)
