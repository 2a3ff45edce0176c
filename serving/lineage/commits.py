"""Which commit of a Gold table added a file, and what wrote it.

From a file's name and time to the commit in the table's log, as far as the log still has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from schemas.commit import WRITTEN_BY
from serving.commit_times import Commits
from serving.delta_log import parse_metadata
from serving.gold_reader import GoldReader

# A file is written just before its commit; so many versions after its time are looked at.
_LOOK_AHEAD = 20


@dataclass(frozen=True)
class AddingCommit:
    """The commit that added files: when, and by what (a flow's batch, folding, compaction)."""

    version: int
    committed_at: datetime
    made_by: str


def find_adding(
    reader: GoldReader, table: str, commits: Commits, file: str, written_at: datetime
) -> AddingCommit | None:
    """The commit that added `file` (its name alone), None where the log has it no more."""
    found = commits.find(written_at)
    first = commits.start if found is None else found
    for version in range(first, min(first + _LOOK_AHEAD, commits.last) + 1):
        actions = reader.read_commit(table, version)
        if any(_file_name(action["add"]["path"]) == file for action in actions if "add" in action):
            return AddingCommit(version, commits.time_of(version), _describe(actions))
    return None


def _file_name(path: str) -> str:
    return unquote(path).rpartition("/")[2]


def _describe(actions: list[dict[str, Any]]) -> str:
    """What wrote a commit, by its own words."""
    info: dict[str, Any] = next((one["commitInfo"] for one in actions if "commitInfo" in one), {})
    said = parse_metadata(info.get("userMetadata"))
    if WRITTEN_BY in said:
        transaction, batch_id = said[WRITTEN_BY]
        return f"batch {batch_id} of flow {str(transaction).partition(':')[0]}"
    if info.get("operation") == "OPTIMIZE":
        return "compaction"
    if "predicate" in info.get("operationParameters", {}):
        return "hours folded or computed again"
    return str(info.get("operation", "unknown")).lower()
