"""A lake of its own for a test: Bronze is fed by hand, every later flow is the product's.

Runs each flow to the end of what is there, as `stream --available-now` does, so every run is also
a restart from the checkpoint; can make a flow die in the middle of a batch or forget its last one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from schemas import bronze
from schemas.gold import GOLD_TABLES
from schemas.table import GoldTable
from streaming.checkpoints import latest_batch
from streaming.files import local_path
from streaming.flow import Flow, check_flows, start_flow
from streaming.maintenance.compact import Compactor
from streaming.pacing import Turns
from streaming.runtime import Runtime
from streaming.sinks import Batch, append_heartbeat
from streaming.sources import read_table
from tests.streaming.records import Record, read_bronze


class Killed(Exception):
    """What a test throws where the process would have died."""


@dataclass
class Lake:
    """Tables and checkpoints in a folder, and what was sent to the dead-letter topic."""

    runtime: Runtime
    published: list[Row] = field(default_factory=list)
    fed: int = 0
    stream_time: datetime | None = None

    def feed(self, records: Iterable[Record]) -> None:
        """One batch of the Bronze flow."""
        batch = list(records)
        rows = read_bronze(
            self.runtime.spark, batch, first_offset=self.fed, stream_time=self.stream_time
        ).select(*bronze.EVENTS.column_names)
        table = self.runtime.table(bronze.EVENTS.name)
        rows.coalesce(1).write.format("delta").mode("append").save(table)
        self.fed += len(batch)
        arrivals = [record.arrival for record in batch]
        self.stream_time = max(
            arrivals if self.stream_time is None else [*arrivals, self.stream_time]
        )

    def beat(self, complete_at: datetime) -> None:
        """Say that nothing which arrived before is outstanding."""
        row = self.runtime.spark.createDataFrame([(complete_at,)], "complete_at timestamp")
        append_heartbeat(self.runtime, row)

    def run(self, *flows: Flow) -> None:
        """Run each flow to the end of what is there; none may drop a row behind its watermark."""
        for flow in flows:
            state = check_flows(self.runtime, (flow,))[flow.name]
            with closing(Compactor(self.runtime)) as compactor:
                query = start_flow(
                    self.runtime, flow, state, Turns(None), compactor, available_now=True
                )
                query.awaitTermination()
            dropped = [
                operator.numRowsDroppedByWatermark
                for progress in query.recentProgress
                for operator in progress.stateOperators
            ]
            assert sum(dropped) == 0

    def run_until_killed(self, flow: Flow, step: str, table: str) -> None:
        """Run a flow that dies right after `Batch.<step>` wrote to a table."""
        write = getattr(Batch, step)

        def write_and_die(batch: Batch, target: Any, *args: Any) -> None:
            write(batch, target, *args)
            if target.name == table:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Batch, step, write_and_die)
            with pytest.raises(StreamingQueryException, match="Killed"):
                self.run(flow)

    def forget_last_batch(self, flow: Flow) -> None:
        """As if the process had died between the tables' commits and the checkpoint's."""
        commits = self.checkpoint(flow) / "commits"
        last = latest_batch(str(commits.parent), "commits")
        assert last is not None
        (commits / str(last)).unlink()
        (commits / f".{last}.crc").unlink(missing_ok=True)

    def checkpoint(self, flow: Flow) -> Path:
        folder = local_path(self.runtime.checkpoint(flow.name))
        assert folder is not None
        return folder

    def read(self, table: str) -> DataFrame:
        return read_table(self.runtime, table)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in an order that only depends on them."""
        return sorted((row.asDict(recursive=True) for row in self.read(table).collect()), key=repr)

    def metrics(self, table: GoldTable) -> list[dict[str, Any]]:
        """What a reader gets from a Gold table, by hour and all dimensions."""
        return read_metrics(self.read(table.name), table)


def read_metrics(partials: DataFrame, table: GoldTable) -> list[dict[str, Any]]:
    """The metrics of a Gold table's partials, by hour and all dimensions."""
    metrics = [F.expr(metric.sql).alias(metric.name) for metric in table.metrics]
    rows = partials.groupBy("bucket", *table.dimension_names).agg(*metrics).collect()
    return comparable(rows)


def comparable(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows in an order that only depends on them, their floats cut to nine digits.

    For a sum of floats depends on the order of adding.
    """
    cut = [
        {
            name: float(f"{value:.9g}") if isinstance(value, float) else value
            for name, value in row.asDict().items()
        }
        for row in rows
    ]
    return sorted(cut, key=repr)


def snapshot(lake: Lake, *tables: str) -> dict[str, list[dict[str, Any]]]:
    """What is in these tables: rows of Silver and Bronze, metrics of Gold."""
    gold = {table.name: table for table in GOLD_TABLES}
    return {name: lake.metrics(gold[name]) if name in gold else lake.rows(name) for name in tables}
