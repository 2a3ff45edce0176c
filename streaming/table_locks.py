"""Who may write to a table now, of all that write in this process.

Delta's conflict check knows files and no rows, so a commit that changes rows fails, or undoes
another one, where somebody else has written meanwhile (docs/adr/0011). Taken in this order:
SILVER_LOCK, then a table's files, then its appends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streaming.runtime import Runtime

# Whoever writes to silver.events, bronze.dead_letters or silver.duplicates holds this for as long
# as its reading and writing must belong together.
SILVER_LOCK = threading.Lock()
_FILE_LOCKS: dict[str, threading.RLock] = {}
_APPEND_LOCKS: dict[str, threading.RLock] = {}


def hold_files(runtime: Runtime, name: str) -> threading.RLock:
    """Be the only one in this process that takes files out of a table: a lock.

    Compaction takes it and nothing else. Delta lets it and appends pass each other, for it changes
    no row; but who changes rows would fail where their file was just written again.
    """
    return _FILE_LOCKS.setdefault(runtime.table(name), threading.RLock())


def hold_appends(runtime: Runtime, name: str) -> threading.RLock:
    """Be the only one in this process that appends to a table: a lock."""
    return _APPEND_LOCKS.setdefault(runtime.table(name), threading.RLock())


@contextmanager
def hold_table(runtime: Runtime, name: str) -> Iterator[None]:
    """Be the only one in this process that writes to a table: for who changes rows."""
    with hold_files(runtime, name), hold_appends(runtime, name):
        yield
