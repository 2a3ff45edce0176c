"""A flow: one named streaming query with its own checkpoint, from one layer to the next.

`start_flow` is the only place a query is started.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from streaming.checkpoints import (
    FlowState,
    check_flow,
    read_state,
    transaction_id,
    write_state,
)
from streaming.delta_log import find_batch, first_version, latest_version, read_commit
from streaming.maintenance.compact import COMPACT_EVERY_BATCHES, Compactor
from streaming.pacing import (
    COMPILE_FROM_ROWS,
    Rests,
    Turns,
    choose_execution,
    find_readers,
    wait_for_readers,
    wait_until_taken,
)
from streaming.progress import FLOW_NAMES, count_batch
from streaming.runtime import Runtime
from streaming.session import set_properties
from streaming.sinks import Batch
from streaming.snapshots import read_transactions

log = structlog.get_logger(__name__)

_EMPTY_BATCHES = "spark.sql.streaming.noDataMicroBatches.enabled"

WriteBatch = Callable[[DataFrame, Batch], None]


@dataclass(frozen=True)
class Flow:
    """What a flow is called, which tables it writes, what it reads, and how a batch is written.

    `open` is called once at the start and returns the function that writes each micro-batch.
    has_empty_batches: when its watermark has moved, Spark adds a batch without rows, for what that
    closes; where nothing is written for it, the state can wait until there are rows again.
    """

    name: str
    targets: tuple[str, ...]
    read: Callable[[Runtime], DataFrame]
    open: Callable[[Runtime], WriteBatch]
    has_empty_batches: bool = False


def check_flows(runtime: Runtime, flows: tuple[Flow, ...]) -> dict[str, FlowState]:
    """Check each flow's checkpoint against its tables; raises CheckpointError.

    What a flow appended before it could note it is noted now: from here on the state alone says
    what is written.
    """
    states = {}
    for flow in flows:
        checkpoint = runtime.checkpoint(flow.name)
        kept = read_state(checkpoint)
        tables = {name: _find_written(runtime, flow.name, name, kept) for name in flow.targets}
        state = check_flow(flow.name, checkpoint, kept, tables)
        own = transaction_id(flow.name, state)
        state.written.update(
            {name: batches[own] for name, batches in tables.items() if own in batches}
        )
        if kept is not None:
            write_state(checkpoint, state)
        states[flow.name] = state
    return states


def _find_written(
    runtime: Runtime, flow: str, table: str, state: FlowState | None
) -> dict[str, int]:
    """The last batch of each transaction id in a table, as Delta knows it and as commits say."""
    uri = runtime.table(table)
    batches = read_transactions(runtime.spark, uri)
    if state is None or table not in state.versions:
        return batches
    own, version = transaction_id(flow, state), state.versions[table]
    # The log may no longer go back so far. It is trimmed only while the app runs, which by then has
    # noted what it appended in the hours that go; so what was not noted lies in what is left.
    found = find_batch(uri, max(version, first_version(uri)), own)
    if found is None and read_commit(uri, version) is None and latest_version(uri) > version:
        found = state.written[table], version
    if found is not None:
        batches[own], state.versions[table] = found
    return batches


def start_flow(
    runtime: Runtime,
    flow: Flow,
    state: FlowState,
    turns: Turns,
    compactor: Compactor,
    *,
    available_now: bool,
) -> StreamingQuery:
    """Start a flow from its checkpoint; `available_now`: to the end of what is there, once."""
    checkpoint = runtime.checkpoint(flow.name)
    write_state(checkpoint, state)
    write = flow.open(runtime)
    counted = FLOW_NAMES.index(flow.name) * COMPACT_EVERY_BATCHES // len(FLOW_NAMES)
    flow_log = log.bind(flow=flow.name)
    readers = () if available_now else find_readers(flow.targets)
    rests = Rests(runtime.settings, flow.name, turns, runtime.is_stopping)

    def write_batch(rows: DataFrame, batch_id: int) -> None:
        settings = runtime.settings
        wait_for_readers(settings, readers, runtime.is_stopping)
        count = count_batch(settings, flow.name, batch_id)
        with turns.take(flow.name, runtime.is_stopping) as turn:
            choose_execution(rows.sparkSession, count)
            # The session of the batch, not the application's: each query runs in a clone.
            batch_runtime = Runtime(rows.sparkSession, settings, runtime.rules)
            batch = Batch(batch_runtime, flow.name, batch_id, state, turn.give_way)
            write(rows, batch)
            if batch.written:
                write_state(checkpoint, state)
        for work in batch.upkeep:
            # A turn of its own: what the batch has written is on its way to `/pages` first. In the
            # flow's own name, for until it is done the flow has no further batch.
            with turns.take(flow.name, runtime.is_stopping):
                choose_execution(rows.sparkSession, COMPILE_FROM_ROWS)
                work()
        if batch.written:
            compactor.count_batch(flow.targets, counted=counted)
        flow_log.debug("batch written", batch=batch_id, tables=batch.written)
        if not available_now:
            wait_until_taken(settings, flow.name, count, runtime.is_stopping)
            rests.after_batch(count, turn.worked_s)

    writer = flow.read(runtime).writeStream.queryName(flow.name).foreachBatch(write_batch)
    writer = writer.option("checkpointLocation", checkpoint)
    if available_now:
        writer = writer.trigger(availableNow=True)
    else:
        writer = writer.trigger(processingTime=f"{_trigger_s(runtime, flow)} seconds")
    runtime.spark.sparkContext.setLocalProperty("spark.scheduler.pool", flow.name)
    has_empty = {_EMPTY_BATCHES: str(flow.has_empty_batches).lower()}
    with set_properties(runtime.spark, has_empty):  # the query takes them along
        return writer.start()


def _trigger_s(runtime: Runtime, flow: Flow) -> float:
    stream = runtime.settings.stream
    return stream.trigger_s.get(flow.name, stream.default_trigger_s)
