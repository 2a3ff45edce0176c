"""Row counts and newest times from a table's metadata."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from streaming.snapshots import MissingStatistics, read_snapshot
from tests.streaming.fake_lake import add, remove, write_table


def test_counts_active_files_only(tmp_path: Path) -> None:
    first, second = add(5, at="2026-01-01T00:00:00.000Z"), add(3, at="2026-01-02T00:00:00.000Z")
    compaction = [
        add(8, data_change=False, at="2026-01-02T00:00:00.000Z"),
        remove(first, data_change=False),
        remove(second, data_change=False),
    ]
    snapshot = read_snapshot(write_table(tmp_path, [first], [second], compaction), "at")
    assert snapshot is not None
    assert (snapshot.version, snapshot.rows) == (3, 8)
    assert snapshot.newest == datetime(2026, 1, 2, tzinfo=UTC)


def test_an_empty_table_has_no_newest_time(tmp_path: Path) -> None:
    snapshot = read_snapshot(write_table(tmp_path), "at")
    assert snapshot is not None
    assert (snapshot.version, snapshot.rows, snapshot.newest) == (0, 0, None)


def test_no_table_is_none(tmp_path: Path) -> None:
    assert read_snapshot(f"file:{tmp_path}/nothing", "at") is None


def test_a_file_without_row_count_is_an_error_not_a_zero(tmp_path: Path) -> None:
    table = write_table(tmp_path, [add(5), add(None)])
    with pytest.raises(MissingStatistics, match="1 of 2 files"):
        read_snapshot(table, "at")
