"""A table's log is kept short, and nobody who needs a commit misses it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame

from schemas import bronze, silver
from schemas.gold.pages import PAGES
from schemas.table import Table
from serving.past import Gap, Past, read_past
from streaming.delta_log import first_version, latest_version
from streaming.files import local_path
from streaming.maintenance import trim
from streaming.maintenance.compact import Compactor
from streaming.maintenance.files import open_delta_log
from streaming.maintenance.trim import trim_log
from streaming.runtime import Runtime
from streaming.sinks import write_rows
from streaming.sources import stream_changes, stream_table
from tests.e2e.app import wait_until
from tests.streaming.lake import Lake
from tests.streaming.short_history import have_read
from tests.streaming.two_days import open_reader


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trim, "CHECKPOINT_EVERY_COMMITS", 1)


def log_of(lake: Lake, table: str) -> Path:
    folder = local_path(lake.runtime.table(table))
    assert folder is not None
    return folder / "_delta_log"


def append(lake: Lake, table: str, count: int) -> None:
    one = lake.read(table).limit(1).localCheckpoint()
    for _ in range(count):
        write_rows(lake.runtime, table, one, "append", {})


def checkpoint(lake: Lake, table: str) -> int:
    """Let Delta write a checkpoint of the newest version; which one that is."""
    log, snapshot = open_delta_log(lake.runtime, lake.runtime.table(table))
    log.checkpoint()
    return int(snapshot.version())


def make_old(lake: Lake, table: str, up_to: int) -> None:
    """As if these versions, and checkpoints of them, had been written two days ago."""
    two_days_ago = time.time() - 48 * 3600
    for file in log_of(lake, table).iterdir():
        if file.name[:20].isdigit() and (version := int(file.name[:20])) <= up_to:
            then = two_days_ago + version  # each later than the one before, as they are
            os.utime(file, (then, then))


def count_at(lake: Lake, version: int) -> int:
    """Rows of gold.pages at a version."""
    reader = lake.runtime.spark.read.format("delta").option("versionAsOf", version)
    return reader.load(lake.runtime.table(PAGES.name)).count()


def test_only_what_is_old_goes(short_lake: Lake) -> None:
    lake, name = short_lake, PAGES.name
    uri = lake.runtime.table(name)
    append(lake, name, 3)
    kept = checkpoint(lake, name)
    append(lake, name, 2)
    assert not trim_log(lake.runtime, name)  # nothing is old
    make_old(lake, name, kept + 1)
    before, versions = lake.metrics(PAGES), latest_version(uri)
    rows = count_at(lake, kept)

    assert trim_log(lake.runtime, name)
    assert (first_version(uri), latest_version(uri)) == (kept, versions)
    assert {int(file.name[:20]) for file in log_of(lake, name).glob("0*.crc")} == {
        *range(kept, versions + 1)
    }
    assert lake.metrics(PAGES) == before
    assert count_at(lake, kept) == rows
    trim_log(lake.runtime, name)
    assert first_version(uri) == kept  # it is needed for what is not old
    append(lake, name, 1)
    assert latest_version(uri) == versions + 1
    assert lake.metrics(PAGES) != before

    reader = open_reader(lake)
    three_days_ago = datetime.now(UTC) - timedelta(days=3)
    _, gaps = read_past(reader, Past(three_days_ago), reader.read_states())
    assert isinstance(gaps[name], Gap)
    assert "older versions of gold.pages have been cleaned up" in gaps[name].allowed
    states, gaps = read_past(reader, Past(versions={name: kept}), reader.read_states())
    assert states[name].version == kept


def test_nothing_goes_that_a_flow_has_to_read_or_looks_at_when_it_starts(short_lake: Lake) -> None:
    lake, name = short_lake, bronze.EVENTS.name
    uri = lake.runtime.table(name)
    append(lake, name, 3)
    kept = checkpoint(lake, name)
    make_old(lake, name, kept)
    append(lake, name, 1)
    assert not trim_log(lake.runtime, name)  # the flow `silver` has read nothing
    have_read(lake, "silver", bronze.EVENTS)
    assert not trim_log(lake.runtime, name)  # Spark looks at its only batch once more
    append(lake, name, 1)
    have_read(lake, "silver", bronze.EVENTS, batch_id=1)
    assert trim_log(lake.runtime, name)
    assert first_version(uri) == kept


@pytest.mark.parametrize(
    ("flow", "table", "stream"),
    [("silver", bronze.EVENTS, stream_table), ("gold_events", silver.EVENTS, stream_changes)],
)
def test_a_stream_starts_again_over_a_trimmed_log(
    short_lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    flow: str,
    table: Table,
    stream: Callable[[Runtime, Table], DataFrame],
) -> None:
    lake, name = short_lake, table.name
    monkeypatch.setattr(trim, "find_readers", lambda _: [(flow, 0)])
    read: list[int] = []

    def run_once() -> None:
        """The flow's own query, as far as Spark is concerned."""
        rows = stream(lake.runtime, table)
        writer = rows.writeStream.foreachBatch(lambda rows, _: read.append(rows.count()))
        writer = writer.option("checkpointLocation", lake.runtime.checkpoint(flow))
        writer.trigger(availableNow=True).start().awaitTermination()

    run_once()
    append(lake, name, 3)
    run_once()
    kept = checkpoint(lake, name)
    make_old(lake, name, kept)
    append(lake, name, 1)
    assert not trim_log(lake.runtime, name)  # the last batch began in an old version
    run_once()
    append(lake, name, 2)
    run_once()
    assert trim_log(lake.runtime, name)
    assert first_version(lake.runtime.table(name)) == kept
    append(lake, name, 2)
    run_once()
    assert sum(read) == lake.read(name).count()


@pytest.fixture
def compactor(short_lake: Lake) -> Iterator[Compactor]:
    with closing(Compactor(short_lake.runtime)) as compactor:
        yield compactor


def test_the_running_app_trims_what_it_compacts(short_lake: Lake, compactor: Compactor) -> None:
    lake, name = short_lake, PAGES.name
    append(lake, name, 2)
    kept = checkpoint(lake, name)
    make_old(lake, name, kept)
    append(lake, name, 1)
    compactor.count_batch([name], every=1)
    wait_until(lambda: first_version(lake.runtime.table(name)) == kept, "the log is not trimmed")
