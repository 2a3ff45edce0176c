"""A Delta table's log, read commit by commit: which versions there are and what each one added.

Works without Spark on a local lake, so that a watermark, a `status` or a heartbeat costs the
reading of a small file and not a query.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from streaming.files import list_names, read_text

Action = dict[str, Any]


@dataclass(frozen=True)
class Position:
    """How far a stream has read a Delta table: all before `version`, and of it up to `index`."""

    version: int
    index: int


def read_commit(table: str, version: int) -> list[Action] | None:
    """The actions of one version, None where that version is not there."""
    text = read_text(f"{table}/_delta_log/{version:020}.json")
    if text is None:
        return None
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def latest_version(table: str) -> int:
    """The table's newest version, -1 where there is no table."""
    versions = [
        int(name[:20])
        for name in list_names(f"{table}/_delta_log")
        if name.endswith(".json") and name[:20].isdigit()
    ]
    return max(versions, default=-1)


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


def count_added(actions: list[Action]) -> int:
    """Rows that a version added; rewriting existing rows (compaction) does not count."""
    return sum(_stats(add).get("numRecords", 0) for add in _additions(actions))


def latest_time(actions: list[Action], column: str) -> datetime | None:
    """No row that the version added is later in `column`; None where it added none."""
    values = [_stats(add).get("maxValues", {}).get(column) for add in _additions(actions)]
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


def count_unread(table: str, position: Position) -> int:
    """Rows of the table that a stream at `position` has not read yet."""
    unread = 0
    for number, actions in enumerate(read_commits(table, position.version)):
        additions = _additions(actions)
        # An index of -1 is before the first file of the version.
        skipped = position.index + 1 if number == 0 else 0
        unread += sum(_stats(add).get("numRecords", 0) for add in additions[skipped:])
    return unread


def _additions(actions: list[Action]) -> list[Action]:
    return [action["add"] for action in actions if action.get("add", {}).get("dataChange")]


def _stats(add: Action) -> dict[str, Any]:
    return dict(json.loads(add["stats"])) if add.get("stats") else {}
