"""Pace: how a micro-batch is run, by how much there is to do. See docs/adr/0005.

From the rows of a batch to its execution mode, and from the backlog of the flows behind it to the
moment it goes on.
"""

from __future__ import annotations

import threading

from pyspark.sql import SparkSession

from settings.model import Settings
from streaming.progress import SOURCES, count_flow_behind

# Compiling a plan costs about as much as interpreting it for so many rows.
COMPILE_FROM_ROWS = 20_000
# The days that a task writes at once, as their rows come; of more it sorts its rows first.
_DAYS_AT_ONCE = 20
_POLL_S = 0.25


def choose_execution(session: SparkSession, rows: int) -> None:
    """Compile expressions where a batch is large, interpret them where it is small.

    A large one is not sorted by day before it is written either: for a small one that is slower.

    rows: that the batch takes in.
    """
    is_large = rows >= COMPILE_FROM_ROWS
    session.conf.set("spark.sql.codegen.factoryMode", "FALLBACK" if is_large else "NO_CODEGEN")
    days_at_once = _DAYS_AT_ONCE if is_large else 0
    session.conf.set("spark.sql.maxConcurrentOutputFileWriters", str(days_at_once))


def find_readers(targets: tuple[str, ...]) -> tuple[str, ...]:
    """The flows that read one of these tables."""
    return tuple(flow for flow, table in SOURCES.items() if table in targets)


def wait_for_readers(
    settings: Settings, readers: tuple[str, ...], is_stopping: threading.Event
) -> None:
    """Let the flows behind catch up before they are given more: their batches stay bounded.

    A backlog is through no sooner when its first flow runs ahead, but the batches of the next one
    would grow with it, and memory with them.
    """
    limit = settings.stream.max_rows_ahead
    for reader in readers:
        while count_flow_behind(settings, reader) > limit and not is_stopping.wait(_POLL_S):
            pass
