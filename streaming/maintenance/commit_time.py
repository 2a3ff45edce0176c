"""When a version of a table was committed, and which one was there at a time.

As Delta has it: the time at which the version's file was written (docs/adr/0010).
"""

from __future__ import annotations

from datetime import datetime

from streaming.delta_log import latest_version
from streaming.files import find_modified_at


def find_commit_time(uri: str, version: int) -> datetime | None:
    """None where the log has the version no more."""
    return find_modified_at(f"{uri}/_delta_log/{version:020}.json")


def find_version_at(uri: str, time: datetime) -> int:
    """The newest version committed at or before a time; 0 where the log does not go back so far."""
    low, high = 0, latest_version(uri)
    # What is cleaned up is older than all that is there.
    while low < high:
        middle = (low + high + 1) // 2
        committed_at = find_commit_time(uri, middle)
        if committed_at is None or committed_at <= time:
            low = middle
        else:
            high = middle - 1
    committed_at = find_commit_time(uri, low)
    return low if committed_at is not None and committed_at <= time else 0
