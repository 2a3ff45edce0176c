"""Running the flows: until told to stop, or until everything that is there is worked through."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime

import structlog
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from streaming.checkpoints import FlowState
from streaming.flow import Flow, start_flow
from streaming.handlers import HANDLERS
from streaming.heartbeat import Heart
from streaming.maintenance.compact import Compactor
from streaming.metrics import METRICS
from streaming.pacing import Turns
from streaming.reject_limit import TooManyRejects
from streaming.report import Reporter
from streaming.requests import Desk
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
    """Run all flows until SIGINT or SIGTERM.

    Raises FlowFailed when one of them fails, TooManyRejects, and CompactionFailed.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    turns = Turns(runtime.settings.stream.batches_at_once)
    compactor = Compactor(runtime)
    queries = [
        start_flow(runtime, flow, states[flow.name], turns, compactor, available_now=False)
        for flow in flows
    ]
    heart = Heart(runtime)
    reporter = Reporter(runtime.settings)
    desk = Desk(runtime, HANDLERS)
    if (port := runtime.settings.stream.metrics_port) is not None:
        METRICS.serve(port)
    announce_ready()
    try:
        while not stop.wait(1):
            for query in queries:
                _require_running(query)
            _require_nothing_dropped(reporter.publish(queries))
            compactor.require_well()
            heart.beat_if_due()
            desk.take_next()
    finally:
        runtime.is_stopping.set()
        _stop_between_batches(queries, runtime.settings.stream.shutdown_timeout_s)
        compactor.close()


def drain_flows(
    runtime: Runtime,
    flows: tuple[Flow, ...],
    states: Mapping[str, FlowState],
    *,
    beats: bool = True,
) -> None:
    """Run each flow to the end of what is there, in order, so that every stage sees all of it.

    beats: close what arrivals until now close; not where Kafka was not worked through before.
    Raises what `await_flows` raises.
    """
    started_at = datetime.now(UTC)
    reporter, turns = Reporter(runtime.settings), Turns(None)
    with closing(Compactor(runtime)) as compactor:
        for flow in flows:
            if beats and flow.name == "sessions":
                # All that arrived before the start is in Silver now: close what that closes.
                Heart(runtime).beat(started_at)
            state = states[flow.name]
            query = start_flow(runtime, flow, state, turns, compactor, available_now=True)
            with suppress(StreamingQueryException):
                query.awaitTermination()
            if error := query.exception():
                raise _name_failure(query, error)
            _require_nothing_dropped(reporter.publish([query]))
            compactor.require_well()
            log.info("drained", flow=flow.name)


def _require_running(query: StreamingQuery) -> None:
    if not query.isActive:
        raise _name_failure(query, query.exception())


def _name_failure(query: StreamingQuery, error: StreamingQueryException | None) -> Exception:
    """Why the flow does not go on."""
    if error is not None and TooManyRejects.__name__ in str(error):
        return TooManyRejects(_message_of(TooManyRejects.__name__, str(error)))
    return FlowFailed(f"flow '{query.name}' has stopped: {error or 'no reason given'}")


def _message_of(name: str, text: str) -> str:
    """The message of a Python exception in the text of Spark's, which quotes its traceback."""
    last = text.rpartition(f"{name}: ")[2]
    return last.partition("\n")[0].strip()


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
