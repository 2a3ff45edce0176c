"""What the bench reads from a flow's checkpoint."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.flows import measure_busy


def _write(file: Path, at: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.utime(file, (at, at))


def test_busy_is_the_time_of_the_finished_batches_planned_since(tmp_path: Path) -> None:
    flow = tmp_path / "with space" / "bronze"
    for batch, planned_at, done_at in ((0, 100, 150), (1, 200, 203.5), (2, 210, 214)):
        _write(flow / "offsets" / str(batch), planned_at)
        _write(flow / "commits" / str(batch), done_at)
    _write(flow / "offsets" / "3", 220)  # planned, not done
    _write(flow / "offsets" / ".3.crc", 220)
    _write(flow / "commits" / ".3.crc", 999)
    checkpoints = (tmp_path / "with space").as_uri()
    assert measure_busy(checkpoints, "bronze", since=199) == pytest.approx(7.5)
    assert measure_busy(checkpoints, "bronze", since=300) == 0
