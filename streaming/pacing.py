"""Pace: how a micro-batch is run, by how much there is to do. See docs/adr/0005.

From a flow's last progress to the execution mode of its next batch, and from the backlog of the
flows behind it to the moment it goes on.
"""

from __future__ import annotations

import threading

from pyspark.sql import SparkSession

from settings.model import Settings
from streaming.progress import SOURCES, count_flow_behind

# Compiling a plan costs about as much as interpreting it for so many rows.
COMPILE_FROM_ROWS = 20_000
_POLL_S = 0.25


def choose_execution(session: SparkSession, rows: int) -> None:
    """Compile expressions where a batch is large, interpret them where it is small.

    rows: of the flow's last batch, which tells the size of this one well enough.
    """
    mode = "FALLBACK" if rows >= COMPILE_FROM_ROWS else "NO_CODEGEN"
    session.conf.set("spark.sql.codegen.factoryMode", mode)


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
