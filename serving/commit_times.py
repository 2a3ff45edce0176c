"""When each version of a Delta table was committed, and which of them can still be read.

From the listing of `<table>/_delta_log` to `Commits`, as Delta itself has it (docs/adr/0010): the
time of a commit is when its file was last written, moved on where clocks went back; a version can
be read if the log goes back to version 0 or to a checkpoint at or before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from serving.delta_log import COMMIT_FILE, LogFiles, TableState

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CHECKPOINT_FILE = re.compile(r"^(\d{20})\.checkpoint\..*(?:parquet|json)$")


@dataclass(frozen=True)
class Commits:
    """Versions `start`, `start` + 1, ... with their times in milliseconds since 1970; at least one.

    `first` is the first of them that can be read; None where none can.
    """

    start: int
    times: tuple[int, ...]
    first: int | None

    @property
    def last(self) -> int:
        return self.start + len(self.times) - 1

    def find(self, time: datetime) -> int | None:
        """The newest version committed at or before a time; None where all are later."""
        # Floored: whatever was committed within the same millisecond is not yet there.
        place = bisect_right(self.times, (time - _EPOCH) // _MILLISECOND)
        return self.start + place - 1 if place else None

    def time_of(self, version: int) -> datetime:
        return _EPOCH + self.times[version - self.start] * _MILLISECOND


class CommitTimes:
    """The commits of one table, remembered: a time that is known to be over needs no listing."""

    def __init__(self, table_path: str, files: LogFiles) -> None:
        self._folder = f"{table_path}/_delta_log"
        self._files = files
        self._known: tuple[int, Commits] | None = None

    def read(self, state: TableState, until: datetime | None) -> Commits:
        """The commits up to `until`, or further; None: all up to `state`. Raises OSError."""
        if self._known is not None and self._known[0] == state.generation:
            commits = self._known[1]
            is_over = until is not None and until < commits.time_of(commits.last)
            if is_over or commits.last >= state.version:
                return commits
        commits = arrange_commits(self._files.list_times(self._folder))
        self._known = (state.generation, commits)
        return commits


def arrange_commits(files: Iterable[tuple[str, int]]) -> Commits:
    """files: names in a `_delta_log`, and when each was last written (ms since 1970).

    Raises FileNotFoundError where no commit is among them.
    """
    written: dict[int, int] = {}
    checkpoints: list[int] = []
    for name, time in files:
        if matched := COMMIT_FILE.match(name):
            written[int(matched[1])] = time
        elif matched := _CHECKPOINT_FILE.match(name):
            checkpoints.append(int(matched[1]))
    if not written:
        raise FileNotFoundError("a Delta log without a commit")
    start = max(written)
    while start - 1 in written:
        start -= 1
    times: list[int] = []
    for version in range(start, max(written) + 1):
        least = times[-1] + 1 if times else 0
        times.append(max(written[version], least))
    if start == 0:
        return Commits(0, tuple(times), 0)
    readable = min((version for version in checkpoints if version >= start - 1), default=None)
    first = None if readable is None else max(readable, start)
    return Commits(start, tuple(times), first)
