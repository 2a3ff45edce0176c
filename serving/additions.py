"""What was added to a table since a version: the files of the commits after it.

Only while these add and do nothing else: then the table is what it was and the rows of these files.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

# The actions of a version, none where the log has it no more.
ReadCommit = Callable[[str, int], list[dict[str, Any]]]

_SAYS_NOTHING_OF_ROWS = {"commitInfo", "txn"}


class Additions:
    """The files that one table's commits add from a version on. Not thread-safe."""

    def __init__(self, table: str, version: int, read_commit: ReadCommit) -> None:
        """version: the one that is added to."""
        self._table, self._read_commit = table, read_commit
        self._until = version
        self._rewritten_in: int | None = None
        self._added_in: dict[str, int] = {}

    def find(self, version: int) -> tuple[str, ...] | None:
        """Paths of what was added up to a later version, as in the log; none: not only added.

        Raises NotReady.
        """
        while self._until < version and self._rewritten_in is None:
            self._follow(self._until + 1)
        if self._rewritten_in is not None and version >= self._rewritten_in:
            return None
        return tuple(path for path, number in self._added_in.items() if number <= version)

    def _follow(self, version: int) -> None:
        added = find_added(self._read_commit(self._table, version), self._added_in.keys())
        if added is None:
            self._rewritten_in = version
        else:
            self._added_in.update(dict.fromkeys(added, version))
            self._until = version


def find_added(actions: list[dict[str, Any]], before: Container[str]) -> list[str] | None:
    """Paths of the files with new rows in one commit; none if it does anything else to the rows.

    before: files of which the reader counts on being there. Others may have been compacted.
    """
    if not actions:
        return None
    added = []
    for action in actions:
        ((kind, what),) = action.items()
        is_new = what.get("dataChange", True)
        if kind == "add" and is_new and not what.get("deletionVector"):
            added.append(what["path"])
        elif kind not in _SAYS_NOTHING_OF_ROWS and (
            kind not in ("add", "remove") or is_new or what["path"] in before
        ):
            return None
    return added
