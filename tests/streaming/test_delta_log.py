"""A Delta log read by hand: what each version added, and what a stream has still to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streaming.delta_log import (
    Position,
    count_changes,
    count_unread,
    files_added,
    first_version,
    latest_time,
    latest_version,
    read_commit,
    read_commits,
    read_metadata,
)


def _add(rows: int, latest: str | None = None, *, has_new_rows: bool = True) -> dict[str, Any]:
    stats: dict[str, Any] = {"numRecords": rows}
    if latest:
        stats["maxValues"] = {"arrival_time": latest}
    return {
        "add": {
            "path": f"is_late=false/part%20{rows}.parquet",
            "partitionValues": {"is_late": "false"},
            "dataChange": has_new_rows,
            "stats": json.dumps(stats),
        }
    }


def _remove(rows: int) -> dict[str, Any]:
    return {"remove": {"path": "x", "dataChange": True, "stats": json.dumps({"numRecords": rows})}}


def _write(folder: Path, version: int, *actions: dict[str, Any]) -> None:
    log = folder / "_delta_log"
    log.mkdir(exist_ok=True)
    lines = [json.dumps(action) for action in actions]
    (log / f"{version:020}.json").write_text("\n".join([*lines, ""]))


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Created, two files, a compaction, an empty commit, one file."""
    _write(tmp_path, 0, {"metaData": {"id": "t"}})
    _write(tmp_path, 1, {"commitInfo": {}}, _add(10), _add(5))
    _write(
        tmp_path, 2, {"remove": {"path": "x", "dataChange": False}}, _add(15, has_new_rows=False)
    )
    _write(tmp_path, 3, {"txn": {"appId": "a", "version": 1}})
    _write(tmp_path, 4, _add(7))
    (tmp_path / "_delta_log" / "_last_checkpoint").write_text("{}")
    (tmp_path / "_delta_log" / f"{4:020}.crc").write_text("{}")
    (tmp_path / "_delta_log" / f"{4:020}.checkpoint.parquet").touch()
    return str(tmp_path)


def test_the_latest_version_is_that_of_the_last_commit(table: str, tmp_path: Path) -> None:
    assert latest_version(table) == 4
    assert latest_version(str(tmp_path / "nowhere")) == -1


def test_the_latest_version_is_looked_for_from_the_last_one(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert latest_version(table) == 4
    _write(tmp_path, 5, {"commitInfo": {}})
    _write(tmp_path, 6, {"commitInfo": {}})
    with monkeypatch.context() as patch:
        patch.setattr("streaming.delta_log.list_names", lambda _: pytest.fail("listed"))
        assert latest_version(table) == 6
    for version in (4, 5, 6):  # a table restored from a backup
        (tmp_path / "_delta_log" / f"{version:020}.json").unlink()
    assert latest_version(table) == 3


def test_the_first_version_is_that_of_the_oldest_commit(table: str, tmp_path: Path) -> None:
    assert first_version(table) == 0
    for version in (0, 1):
        (tmp_path / "_delta_log" / f"{version:020}.json").unlink()
    assert first_version(table) == 2
    assert first_version(str(tmp_path / "nowhere")) == 0


def test_commits_are_read_up_to_the_newest(table: str) -> None:
    assert read_commit(table, 5) is None
    assert [len(actions) for actions in read_commits(table, 1)] == [3, 2, 1, 1]
    assert [len(actions) for actions in read_commits(table, 1, 2)] == [3, 2]


@pytest.mark.parametrize(
    ("start", "unread"),
    [
        (Position(0, -1), 22),
        (Position(1, -1), 22),
        (Position(1, 0), 12),
        (Position(1, 1), 7),
        (Position(2, -1), 7),
        (Position(4, -1), 7),
        (Position(4, 0), 0),
        (Position(5, -1), 0),
    ],
)
def test_unread_is_what_comes_after_the_position(start: Position, unread: int, table: str) -> None:
    assert count_unread(table, start) == unread


def test_nothing_is_unread_of_a_table_that_is_not_there(tmp_path: Path) -> None:
    assert count_unread(str(tmp_path), Position(0, -1)) == 0
    assert count_changes(str(tmp_path), Position(0, -1)) == 0


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        (Position(0, -1), Position(5, -1), [10, 5, 7]),
        (Position(0, -1), Position(1, -1), []),
        (Position(0, -1), Position(1, 0), [10]),
        (Position(1, 0), Position(1, 1), [5]),
        (Position(1, 0), Position(4, -1), [5]),
        (Position(5, -1), Position(5, -1), []),
    ],
)
def test_files_are_those_between_two_positions(
    start: Position, end: Position, rows: list[int], table: str
) -> None:
    files = files_added(table, start, end)
    assert [file.rows for file in files] == rows
    assert all(file.partition_values == {"is_late": "false"} for file in files)


def test_a_version_that_was_cleaned_away_is_an_error_and_not_zero(
    table: str, tmp_path: Path
) -> None:
    (tmp_path / "_delta_log" / f"{1:020}.json").unlink()
    with pytest.raises(LookupError, match="version 1"):
        count_unread(table, Position(0, -1))
    assert count_unread(table, Position(2, -1)) == 7


def test_changes_are_added_removed_and_merged_rows(tmp_path: Path) -> None:
    merged = {
        "commitInfo": {
            "operationMetrics": {
                "numTargetRowsInserted": "1",
                "numTargetRowsUpdated": "2",
                "numTargetRowsDeleted": "3",
            }
        }
    }
    _write(tmp_path, 0, {"metaData": {"id": "t"}})
    _write(tmp_path, 1, _add(4), _add(2))
    _write(tmp_path, 2, merged, {"cdc": {"path": "c"}}, _add(9), _remove(9))
    _write(tmp_path, 3, _remove(5), _add(5, has_new_rows=False))
    table = str(tmp_path)
    assert count_changes(table, Position(0, -1)) == 6 + (1 + 2 * 2 + 3) + 5
    assert count_changes(table, Position(1, 0)) == 2 + 8 + 5
    assert count_changes(table, Position(2, 0)) == 5
    assert count_changes(table, Position(4, -1)) == 0


def test_the_latest_time_is_not_before_any_row_though_statistics_are_cut(tmp_path: Path) -> None:
    _write(
        tmp_path,
        0,
        _add(1, "2024-05-14T12:00:00.123Z"),
        _add(2, "2024-05-14T13:30:00.000+02:00"),
        _add(3),
    )
    files = files_added(str(tmp_path), Position(0, -1), Position(1, -1))
    assert latest_time(files, "arrival_time") == datetime(2024, 5, 14, 12, 0, 0, 124_000, UTC)
    assert latest_time(files, "event_time") is None
    assert latest_time([], "arrival_time") is None


def test_metadata_is_what_the_writer_attached() -> None:
    attached = {"commitInfo": {"userMetadata": '{"as_of": "2024"}'}}
    assert read_metadata([_add(1), attached]) == {"as_of": "2024"}
    assert read_metadata([_add(1), {"commitInfo": {}}]) == {}
