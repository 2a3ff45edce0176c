"""A Delta table's log, read commit by commit: which versions there are and what each one added.

Works without Spark on a local lake, so that a watermark, a `status` or a heartbeat costs the
reading of a small file and not a query.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.commit import WRITTEN_BY
from streaming.files import is_file, list_names, read_text

Action = dict[str, Any]

# User metadata of a version that only puts a session's verdict on its events: there is nothing in
# it for whoever follows the events to make sessions of them.
CARRIED_BACK = "carried_back"

# The newest version of each table when this process last looked.
_seen: dict[str, int] = {}


@dataclass(frozen=True)
class Position:
    """How far a stream has read a Delta table: all before `version`, and of it up to `index`."""

    version: int
    index: int


@dataclass(frozen=True)
class AddedFile:
    """A data file that a version added, with what the log says of it."""

    path: str  # relative to the table, percent-encoded as in the log
    partition_values: dict[str, str | None]
    rows: int
    max_values: dict[str, Any]
    min_values: dict[str, Any] = field(default_factory=dict)


def read_commit(table: str, version: int) -> list[Action] | None:
    """The actions of one version, None where that version is not there."""
    text = read_text(_commit_file(table, version))
    if text is None:
        return None
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def latest_version(table: str) -> int:
    """The table's newest version, -1 where there is no table.

    Looked for from the version that was the newest the last time, so that it costs the same however
    long the log is; versions have no gaps.
    """
    version = _seen.get(table, -1)
    if version < 0 or not is_file(_commit_file(table, version)):
        version = max(_list_versions(table), default=-1)
    if version >= 0:
        while is_file(_commit_file(table, version + 1)):
            version += 1
        _seen[table] = version
    return version


def first_version(table: str) -> int:
    """The oldest version whose commit is in the log, 0 where there is none."""
    return min(_list_versions(table), default=0)


def read_commits(table: str, first: int, last: int | None = None) -> list[list[Action]]:
    """The versions from `first` to `last` (both included; None: to the newest)."""
    commits = []
    version = first
    while last is None or version <= last:
        actions = read_commit(table, version)
        if actions is None:
            break
        commits.append(actions)
        version += 1
    return commits


def files_added(table: str, start: Position, end: Position) -> list[AddedFile]:
    """The files with new rows that a stream reads on its way from `start` to `end`.

    Rewriting existing rows (compaction, verdicts carried back) adds none.
    """
    files: list[AddedFile] = []
    for version in range(start.version, end.version + 1):
        if version == end.version and end.index < 0:
            break
        actions = _require_commit(table, version)
        if read_metadata(actions).get(CARRIED_BACK):
            continue
        first = start.index + 1 if version == start.version else 0
        last = end.index + 1 if version == end.version else None
        files.extend(_additions(actions)[first:last])
    return files


def rewriting_versions(table: str, start: Position, end: Position) -> list[int]:
    """The versions on the way from `start` to `end` that changed or took out rows."""
    last = end.version if end.index >= 0 else end.version - 1
    return [
        version
        for version in range(start.version, last + 1)
        if any(_takes_rows_out(action) for action in _require_commit(table, version))
    ]


def is_carried_back(table: str, version: int) -> bool:
    """Whether the version only put verdicts on rows that were there."""
    return bool(read_metadata(_require_commit(table, version)).get(CARRIED_BACK))


def files_touched(table: str, versions: list[int]) -> list[AddedFile]:
    """The files that these versions added or took out, as far as the log has their statistics."""
    files = []
    for version in versions:
        for action in _require_commit(table, version):
            file = action.get("add") or action.get("remove") or {}
            if file.get("dataChange") and file.get("stats"):
                files.append(_added_file(file))
    return files


def count_unread(table: str, start: Position) -> int:
    """Rows of the table that a stream at `start` has not read yet."""
    end = Position(version=latest_version(table) + 1, index=-1)
    return sum(file.rows for file in files_added(table, start, end))


def count_changes(table: str, start: Position) -> int:
    """Rows of the table's change feed that a stream at `start` has not read yet."""
    changes = 0
    for version in range(start.version, latest_version(table) + 1):
        actions = _require_commit(table, version)
        changes += _changed_rows(actions, start.index + 1 if version == start.version else 0)
    return changes


def latest_time(files: list[AddedFile], column: str) -> datetime | None:
    """No row of the files is later in `column`; None where there are none."""
    values = [file.max_values.get(column) for file in files]
    times = [datetime.fromisoformat(value).astimezone(UTC) for value in values if value]
    # Delta's statistics cut timestamps to milliseconds.
    return max(times) + timedelta(milliseconds=1) if times else None


def read_metadata(actions: list[Action]) -> dict[str, Any]:
    """What the writer attached to the version as user metadata, empty where nothing."""
    for action in actions:
        text = action.get("commitInfo", {}).get("userMetadata")
        if text:
            return dict(json.loads(text))
    return {}


def find_batch(table: str, first: int, transaction: str) -> tuple[int, int] | None:
    """The last batch that a flow has appended in version `first` or later, and its version."""
    found = None
    for version, actions in enumerate(read_commits(table, first), first):
        name, batch_id = read_metadata(actions).get(WRITTEN_BY, (None, -1))
        if name == transaction:
            found = int(batch_id), version
    return found


def _list_versions(table: str) -> list[int]:
    return [
        int(name[:20])
        for name in list_names(f"{table}/_delta_log")
        if name.endswith(".json") and name[:20].isdigit()
    ]


def _commit_file(table: str, version: int) -> str:
    return f"{table}/_delta_log/{version:020}.json"


def _require_commit(table: str, version: int) -> list[Action]:
    actions = read_commit(table, version)
    if actions is None:
        raise LookupError(f"version {version} of {table} is no longer in its log")
    return actions


def _changed_rows(actions: list[Action], files_read: int) -> int:
    """Rows that a version has in the change feed, less the files that were read of it.

    A version with change files (an update or a delete) is read from those alone. They carry no
    statistics, so the operation's own counts stand in, and one row a file where it has none.
    """
    change_files = [action for action in actions if "cdc" in action]
    if change_files:
        is_read = files_read >= len(change_files)
        return 0 if is_read else max(_merged_rows(actions), len(change_files))
    changed = [action.get("add") or action.get("remove") or {} for action in actions]
    rows = [_rows(file) for file in changed if file.get("dataChange")]
    return sum(rows[files_read:])


def _merged_rows(actions: list[Action]) -> int:
    """An updated row is two in the change feed: as it was, and as it is."""
    weights = {
        "numTargetRowsInserted": 1,
        "numTargetRowsUpdated": 2,
        "numTargetRowsDeleted": 1,
    }
    metrics: dict[str, Any] = {}
    for action in actions:
        metrics |= action.get("commitInfo", {}).get("operationMetrics", {})
    return sum(weight * int(metrics.get(name, 0)) for name, weight in weights.items())


def _rows(file: Action) -> int:
    # Only a removed file may lack statistics: then it counts as one row, so as not read.
    return int(json.loads(file["stats"])["numRecords"]) if file.get("stats") else 1


def _additions(actions: list[Action]) -> list[AddedFile]:
    return [_added_file(action["add"]) for action in actions if _has_new_rows(action)]


def _has_new_rows(action: Action) -> bool:
    return bool(action.get("add", {}).get("dataChange"))


def _takes_rows_out(action: Action) -> bool:
    return "cdc" in action or bool(action.get("remove", {}).get("dataChange"))


def _added_file(add: Action) -> AddedFile:
    stats = json.loads(add["stats"])
    return AddedFile(
        path=add["path"],
        partition_values=add.get("partitionValues", {}),
        rows=stats["numRecords"],
        max_values=stats.get("maxValues", {}),
        min_values=stats.get("minValues", {}),
    )
