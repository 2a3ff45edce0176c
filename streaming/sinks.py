"""Everything that is written: the tables' creation, and a micro-batch's writes, each exactly once.

The commit of an append says which batch of which flow it is; when a restarted batch brings it a
second time, it is left out (docs/adr/0012). A merge or a replacement is idempotent by itself: it
makes the table say what the layer before says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import StructType

from schemas import bronze, silver
from schemas.commit import WRITTEN_BY
from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable, Table
from streaming.checkpoints import FlowState, read_span, transaction_id
from streaming.delta_log import AddedFile, Position, files_added, find_batch, latest_version
from streaming.gold import aggregate_partials
from streaming.runtime import Runtime
from streaming.session import set_properties
from streaming.sources import kafka_options, read_table
from streaming.table_locks import hold_appends, hold_table

TABLES = (
    bronze.EVENTS,
    bronze.DEAD_LETTERS,
    silver.EVENTS,
    silver.DUPLICATES,
    silver.SESSIONS,
    silver.HEARTBEATS,
)
# Delta writes a checkpoint of a table that often; trimming goes from one to the next.
CHECKPOINT_EVERY_COMMITS = 50


@dataclass
class Batch:
    """One micro-batch of one flow: the only way to write to a table."""

    runtime: Runtime
    flow: str
    batch_id: int
    state: FlowState
    # Called between writes: others may be in more of a hurry (`streaming.pacing.Turn`).
    give_way: Callable[[], None] = lambda: None
    written: list[str] = field(default_factory=list)
    # What nobody waits for, of many rows; done after the batch, each in a turn of its own.
    upkeep: list[Callable[[], None]] = field(default_factory=list)

    def append(
        self, table: Table | GoldTable, rows: DataFrame, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Append rows exactly once. A flow appends to a table at most once in a batch."""
        if self.batch_id > self.state.written.get(table.name, -1):
            self._append(table, rows, metadata or {})
        self.written.append(table.name)

    def _append(
        self, table: Table | GoldTable, rows: DataFrame, metadata: Mapping[str, Any]
    ) -> None:
        state, uri = self.state, self.runtime.table(table.name)
        before = state.versions.get(table.name)
        if before is None:
            before = latest_version(uri)
        own = transaction_id(self.flow, state)
        options = _metadata({**metadata, WRITTEN_BY: [own, self.batch_id]})
        found = None
        if table.name in state.announced:
            write_rows(self.runtime, table.name, rows, "append", options)
            found = find_batch(uri, before + 1, own)
        if found is None:
            # Once in a process, for Delta computes the table's whole state to look for the id; and
            # where there are no rows: only with an id does Delta commit what is said of them.
            write_once(self.runtime, table, rows, (own, self.batch_id), "append", options)
            state.announced.add(table.name)
            found = find_batch(uri, before + 1, own)
        if found is None or found[0] != self.batch_id:
            raise LookupError(f"{uri} has no commit of batch {self.batch_id} of flow {self.flow}")
        state.written[table.name], state.versions[table.name] = found

    def replace(
        self,
        table: GoldTable,
        rows: DataFrame,
        where: str,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Put `rows` in the place of all rows that meet `where`, in one commit."""
        replace_rows(self.runtime, table, rows, where, metadata)

    def merge(
        self, table: Table, changes: DataFrame, on: str, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """See `merge_rows`."""
        merge_rows(self.runtime, table, changes, on, metadata)

    def publish(self, rows: DataFrame, topic: str) -> None:
        """Send rows (columns key, value, headers) to Kafka, at least once."""
        options = kafka_options(self.runtime.settings.kafka)
        rows.write.format("kafka").options(**options).option("includeHeaders", "true").option(
            "kafka.max.request.size", str(self.runtime.settings.kafka.max_record_bytes)
        ).option("topic", topic).save()

    def files_read(self, table: Table) -> list[AddedFile]:
        """The files of the flow's first source, `table`, that this batch takes its rows from."""
        return files_added(self.runtime.table(table.name), *self.span_read())

    def span_read(self) -> tuple[Position, Position]:
        """From where to where this batch reads the flow's first source."""
        return read_span(self.runtime.checkpoint(self.flow), self.batch_id)


_METADATA_CONF = "spark.databricks.delta.commitInfo.userMetadata"


def _metadata(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    return {"userMetadata": json.dumps(metadata)} if metadata else {}


def write_once(
    runtime: Runtime,
    table: Table | GoldTable,
    rows: DataFrame,
    transaction: tuple[str, int],
    mode: str,
    options: Mapping[str, str],
) -> None:
    """Write rows in one commit, which Delta skips if it has this transaction (id, number)."""
    app_id, version = transaction
    known_by = {"txnAppId": app_id, "txnVersion": str(version)}
    write_rows(runtime, table.name, rows, mode, {**options, **known_by})


def write_rows(
    runtime: Runtime, name: str, rows: DataFrame, mode: str, options: Mapping[str, str]
) -> None:
    """Write rows to a table in one commit; mode: append, or overwrite what an option names."""
    with (hold_appends if mode == "append" else hold_table)(runtime, name):
        rows.write.format("delta").mode(mode).options(**options).save(runtime.table(name))


def replace_rows(
    runtime: Runtime,
    table: GoldTable,
    rows: DataFrame,
    where: str,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Put `rows` in the place of all rows that meet `where`, in one commit."""
    options = {"replaceWhere": where, **_metadata(metadata)}
    write_rows(runtime, table.name, rows, "overwrite", options)


def merge_rows(
    runtime: Runtime,
    table: Table,
    changes: DataFrame,
    on: str,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Delete, update and insert in one commit.

    changes: the table's columns and is_gone (boolean). `on` compares `target` with `source`.
    """
    columns: dict[str, str | Column] = {name: f"source.{name}" for name in table.column_names}
    with hold_table(runtime, table.name), say_in_commits(runtime.spark, metadata or {}):
        (
            DeltaTable.forPath(runtime.spark, runtime.table(table.name))
            .alias("target")
            .merge(changes.alias("source"), on)
            .whenMatchedDelete("source.is_gone")
            .whenMatchedUpdate(set=columns)
            .whenNotMatchedInsert("NOT source.is_gone", values=columns)
            .execute()
        )


@contextmanager
def say_in_commits(spark: SparkSession, metadata: Mapping[str, Any]) -> Iterator[None]:
    """Attach user metadata to the session's commits: some commands take it from there only."""
    with set_properties(spark, {_METADATA_CONF: json.dumps(metadata)}):
        yield


def create_tables(runtime: Runtime) -> None:
    """Create every table that is not there yet, with its schema and properties."""
    for table in TABLES:
        if not _is_there(runtime, table):
            schema = cast(StructType, StructType.fromDDL(table.ddl))
            _create(runtime, table, schema, has_change_feed=table.has_change_feed)
    for gold in GOLD_TABLES:
        if not _is_there(runtime, gold):
            partials = aggregate_partials(read_table(runtime, gold.source), gold)
            _create(runtime, gold, partials.schema, has_change_feed=False)


def append_heartbeat(runtime: Runtime, row: DataFrame) -> None:
    """Append to `ops.heartbeats`; a heartbeat too many changes nothing."""
    write_rows(runtime, silver.HEARTBEATS.name, row, "append", {})


def _is_there(runtime: Runtime, table: Table | GoldTable) -> bool:
    return latest_version(runtime.table(table.name)) >= 0


def _create(
    runtime: Runtime, table: Table | GoldTable, schema: StructType, *, has_change_feed: bool
) -> None:
    builder = DeltaTable.createIfNotExists(runtime.spark).location(runtime.table(table.name))
    builder = builder.addColumns(schema).partitionedBy(*table.partition_by)
    properties = {
        "delta.dataSkippingStatsColumns": ",".join(table.stats_columns),
        "delta.enableDeletionVectors": "false",
        "delta.enableChangeDataFeed": str(has_change_feed).lower(),
        "delta.checkpointInterval": str(CHECKPOINT_EVERY_COMMITS),
    }
    if not table.stats_columns:
        del properties["delta.dataSkippingStatsColumns"]
    for name, value in properties.items():
        builder = builder.property(name, value)
    builder.execute()
