"""The cache folder outside the repository, and the lock that makes one process at a time fill it.

Downloads and the Java shim land here, shared by all data folders and checkouts of one user;
WEB_ANALYTICS_CACHE_DIR names another place.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "WEB_ANALYTICS_CACHE_DIR"


def cache_dir() -> Path:
    """The cache folder, made if it is not there."""
    named = os.environ.get(CACHE_VARIABLE)
    folder = Path(named).expanduser() if named else user_cache_path("web-analytics")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextmanager
def hold_lock(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on `file`; call `on_wait` first if another process has it.

    The system drops the lock when its holder dies, so a crash never leaves one behind.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
