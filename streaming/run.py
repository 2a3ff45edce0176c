"""Running the flows: until told to stop, or until everything that is there is worked through."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from pyspark.sql.streaming.query import StreamingQuery

from streaming.checkpoints import FlowState
from streaming.flow import Flow, start_flow
from streaming.heartbeat import Heart
from streaming.report import Reporter
from streaming.runtime import Runtime

log = structlog.get_logger(__name__)


class FlowFailed(Exception):
    """A flow has stopped by itself; the app goes down with it and starts from its checkpoints."""


def await_flows(
    runtime: Runtime,
    flows: tuple[Flow, ...],
    states: Mapping[str, FlowState],
    announce_ready: Callable[[], None],
) -> None:
    """Run all flows until SIGINT or SIGTERM. Raises FlowFailed when one of them fails."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    queries = [start_flow(runtime, flow, states[flow.name], available_now=False) for flow in flows]
    heart = Heart(runtime)
    reporter = Reporter(runtime.settings)
    announce_ready()
    try:
        while not stop.wait(1):
            for query in queries:
                _require_running(query)
            _require_nothing_dropped(reporter.publish(queries))
            heart.beat_if_due()
    finally:
        _stop_between_batches(queries, runtime.settings.stream.shutdown_timeout_s)


def drain_flows(runtime: Runtime, flows: tuple[Flow, ...], states: Mapping[str, FlowState]) -> None:
    """Run each flow to the end of what is there, in order, so that every stage sees all of it."""
    started_at = datetime.now(UTC)
    reporter = Reporter(runtime.settings)
    for flow in flows:
        if flow.name == "sessions":
            # All that arrived before the start is in Silver now: close what that closes.
            Heart(runtime).beat(started_at)
        query = start_flow(runtime, flow, states[flow.name], available_now=True)
        query.awaitTermination()
        _require_nothing_dropped(reporter.publish([query]))
        log.info("drained", flow=flow.name)


def _require_running(query: StreamingQuery) -> None:
    if query.isActive:
        return
    error = query.exception()
    raise FlowFailed(f"flow '{query.name}' has stopped: {error or 'no reason given'}")


def _require_nothing_dropped(dropped: Mapping[str, int]) -> None:
    if not dropped:
        return
    lost = ", ".join(f"{rows} in flow '{flow}'" for flow, rows in dropped.items())
    raise FlowFailed(
        f"rows were behind the watermark and are lost to the tables after it: {lost}. Records were "
        "read further out of arrival order than session.read_skew_s allows: raise it, move lake "
        "and checkpoints away together, and begin again from Kafka."
    )


def _stop_between_batches(queries: list[StreamingQuery], timeout_s: float) -> None:
    """Stop each query while it waits for its trigger, or after the time in any case."""
    deadline = time.monotonic() + timeout_s
    running = [query for query in queries if query.isActive]
    while running:
        for query in running:
            if not query.status["isTriggerActive"] or time.monotonic() > deadline:
                query.stop()
        running = [query for query in running if query.isActive]
        time.sleep(0.02)
    log.info("all flows stopped")
