"""What a stream has still to read of a Delta table, from hand-made logs.

The positions are those that Spark 4.2 with Delta 4.4 wrote for the same commits.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.delta_log import Position, count_changes, count_unread
from tests.streaming.fake_lake import add, change_file, merged, remove, write_table


@pytest.mark.parametrize(
    ("position", "unread"),
    [
        (Position(0, -1), 12),
        (Position(2, -1), 7),  # before the first file of version 2
        (Position(2, 0), 4),  # after its first file
        (Position(2, 1), 0),
        (Position(3, -1), 0),
    ],
)
def test_appended_rows_count_by_file(tmp_path: Path, position: Position, unread: int) -> None:
    table = write_table(tmp_path, [add(5)], [add(3), add(4)])
    assert count_unread(table, position) == unread


def test_compaction_leaves_nothing_to_read(tmp_path: Path) -> None:
    first, second = add(5), add(3)
    compaction = [
        add(8, data_change=False),
        remove(first, data_change=False),
        remove(second, data_change=False),
    ]
    table = write_table(tmp_path, [first], [second], compaction)
    # The stream stays where it was: a version without data is no batch.
    assert count_unread(table, Position(3, -1)) == 0
    assert count_unread(table, Position(2, 0)) == 0
    assert count_changes(table, Position(3, -1)) == 0


def test_insert_only_merge_is_read_from_its_data_files(tmp_path: Path) -> None:
    table = write_table(tmp_path, [merged(2, 0, 0), add(2)])
    assert count_changes(table, Position(1, -1)) == 2
    assert count_changes(table, Position(2, -1)) == 0


def test_merge_is_read_from_its_change_files_alone(tmp_path: Path) -> None:
    before = add(5)
    merge = [merged(1, 1, 1), add(5), change_file(), remove(before)]
    table = write_table(tmp_path, [before], merge)
    # One inserted, one updated (as it was and as it is), one deleted; not the copied ones.
    assert count_changes(table, Position(2, -1)) == 4
    assert count_changes(table, Position(1, -1)) == 9
    # Where Spark's offset stays after reading it: at the only change file.
    assert count_changes(table, Position(2, 0)) == 0


def test_change_files_without_counts_are_never_nothing(tmp_path: Path) -> None:
    table = write_table(tmp_path, [change_file(), change_file(), add(9)])
    assert count_changes(table, Position(1, -1)) == 2
    assert count_changes(table, Position(1, 1)) == 0


def test_whole_files_deleted_count_as_changes(tmp_path: Path) -> None:
    before = add(5)
    table = write_table(tmp_path, [before], [remove(before)])
    assert count_changes(table, Position(2, -1)) == 5
    assert count_changes(table, Position(2, 0)) == 0


def test_a_version_gone_from_the_log_is_an_error(tmp_path: Path) -> None:
    table = write_table(tmp_path, [add(1)], [add(1)])
    (tmp_path / "_delta_log" / f"{1:020}.json").unlink()
    for count in (count_unread, count_changes):
        with pytest.raises(LookupError, match="version 1"):
            count(table, Position(0, -1))
