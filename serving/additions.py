"""What was added to a table since a version: the files of the commits after it.

Only while these add and do nothing else: then the table is what it was and the rows of these files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.commit import FOLDED
from serving.delta_log import parse_metadata

# The actions of a version, none where the log has it no more.
ReadCommit = Callable[[str, int], list[dict[str, Any]]]

_SAYS_NOTHING_OF_ROWS = {"commitInfo", "txn"}


@dataclass(frozen=True)
class AddedFile:
    """path: as in the log. bytes. version: that has it first."""

    path: str
    bytes: int
    version: int


class Additions:
    """The files that one table's commits add from a version on. Not thread-safe."""

    def __init__(self, table: str, version: int, read_commit: ReadCommit) -> None:
        """version: the one that is added to."""
        self._table, self._read_commit = table, read_commit
        self._until = version
        self._rewritten_in: int | None = None
        self._added: dict[str, AddedFile] = {}

    def find(self, version: int) -> tuple[AddedFile, ...] | None:
        """What was added up to a later version; none: that is not all that was done.

        Raises NotReady.
        """
        while self._until < version and self._rewritten_in is None:
            self._follow(self._until + 1)
        if self._rewritten_in is not None and version >= self._rewritten_in:
            return None
        return tuple(file for file in self._added.values() if file.version <= version)

    def _follow(self, version: int) -> None:
        added = find_added(version, self._read_commit(self._table, version))
        if added is None:
            self._rewritten_in = version
        else:
            self._added.update({file.path: file for file in added})
            self._until = version


def find_added(version: int, actions: list[dict[str, Any]]) -> list[AddedFile] | None:
    """The files with new rows in one commit; none if it does anything else to the rows.

    Compaction and folds change no answer. The files they take out stay where they are until VACUUM.
    """
    if not actions:
        return None
    if any(_is_fold(action.get("commitInfo", {})) for action in actions):
        return []
    added = []
    for action in actions:
        ((kind, what),) = action.items()
        is_new = what.get("dataChange", True)
        if kind == "add" and is_new and not what.get("deletionVector"):
            added.append(AddedFile(what["path"], what["size"], version))
        elif kind not in _SAYS_NOTHING_OF_ROWS and (kind not in ("add", "remove") or is_new):
            return None
    return added


def _is_fold(commit_info: dict[str, Any]) -> bool:
    return parse_metadata(commit_info.get("userMetadata")).get(FOLDED) is True
