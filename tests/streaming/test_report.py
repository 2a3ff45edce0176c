"""The app's own report: from Spark's progress to a file, and what others read from it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streaming.report import Report, Reporter, is_app_running, read_report
from tests.streaming.fake_lake import make_settings


class FakeProgress:
    """What py4j gives of one `StreamingQueryProgress`."""

    def __init__(self, batch_id: int, content: dict[str, Any]) -> None:
        self._content = {"batchId": batch_id, "timestamp": f"t{batch_id}", **content}

    def batchId(self) -> int:
        return int(self._content["batchId"])

    def timestamp(self) -> str:
        return str(self._content["timestamp"])

    def json(self) -> str:
        return json.dumps(self._content)


class FakeQuery:
    """A query with the progress it made so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.recent: list[FakeProgress] = []
        self._jsq = self

    def recentProgress(self) -> list[FakeProgress]:
        return self.recent

    def make_progress(self, *, rate: float | str, dropped: int = 0, has_batch: bool = True) -> None:
        rows = {"numInputRows": 10 if has_batch else 0}
        source = {**rows, "inputRowsPerSecond": rate, "processedRowsPerSecond": rate}
        heartbeats = {**rows, "inputRowsPerSecond": 1000.0, "processedRowsPerSecond": 1000.0}
        content = {
            "batchDuration": 750,
            "durationMs": {"addBatch": 700} if has_batch else {"latestOffset": 1},
            "stateOperators": [{"numRowsDroppedByWatermark": dropped}] * 2,
            "sources": [source, heartbeats, source],
        }
        self.recent.append(FakeProgress(len(self.recent), content))


@pytest.fixture
def query() -> FakeQuery:
    return FakeQuery("sessions")


def test_publishes_the_rates_of_the_flows_own_table(tmp_path: Path, query: Any) -> None:
    settings = make_settings(tmp_path)
    query.make_progress(rate=120.5)
    assert Reporter(settings).publish([query]) == {}
    report = read_report(settings)
    assert report is not None
    numbers = report.flows["sessions"]
    assert numbers.input_rows_per_second == numbers.processed_rows_per_second == 120.5
    assert numbers.last_batch_ms == 750
    assert report.pid == os.getpid()


def test_an_idle_trigger_takes_in_nothing_and_is_no_batch(tmp_path: Path, query: Any) -> None:
    settings = make_settings(tmp_path)
    query.make_progress(rate=9.0)
    query.make_progress(rate="NaN", has_batch=False)
    Reporter(settings).publish([query])
    report = read_report(settings)
    assert report is not None
    assert report.flows["sessions"].input_rows_per_second == 0.0
    assert report.flows["sessions"].processed_rows_per_second == 9.0
    assert report.flows["sessions"].last_batch_ms == 750


def test_every_dropped_row_is_told_once_and_never_forgotten(tmp_path: Path, query: Any) -> None:
    settings = make_settings(tmp_path)
    reporter = Reporter(settings)
    query.make_progress(rate=1.0, dropped=2)
    query.make_progress(rate=1.0)
    query.make_progress(rate=1.0, dropped=1)
    assert reporter.publish([query]) == {"sessions": 6}
    assert reporter.publish([query]) == {}
    restarted = FakeQuery("sessions")
    restarted.make_progress(rate=1.0, dropped=1)
    assert Reporter(settings).publish([restarted]) == {"sessions": 2}  # type: ignore[list-item]
    report = read_report(settings)
    assert report is not None
    assert report.rows_dropped_by_watermark == 8


def test_no_report_is_no_running_app(tmp_path: Path) -> None:
    report = read_report(make_settings(tmp_path))
    assert report is None
    assert not is_app_running(report)


def test_the_app_runs_while_its_process_lives_and_renews() -> None:
    mine = Report(socket.gethostname(), os.getpid(), time.time())
    assert is_app_running(mine)
    assert not is_app_running(replace(mine, written_at=time.time() - 3600))
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert not is_app_running(replace(mine, pid=ended.pid))
    # Of another machine's process only the age is known.
    assert is_app_running(replace(mine, host="elsewhere", pid=ended.pid))
