"""The data folder of a stack: one `up` at a time, its local API key, its logs.

From a folder's path to what `embedded/stack.py` needs of it before anything is started.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded.errors import StackError


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises StackError if another `up` has it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = (data_dir / "up.lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StackError(
            f"cannot write to the data folder {data_dir}: {error.strerror}. "
            "Name another with --data-dir."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise StackError(
                f"`web-analytics up` already runs on {data_dir} (process {handle.read()}). "
                "Stop that one, or give this one a folder of its own with --data-dir."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def keep_api_key(data_dir: Path) -> str:
    """The local API key: made at the first start, the same ever after, readable to its owner."""
    file = data_dir / "api_key"
    if file.exists() and (kept := file.read_text(encoding="ascii").strip()):
        return kept
    key = secrets.token_urlsafe(32)
    write_privately(file, key)
    return key


def rotate_logs(log_dir: Path) -> None:
    """Put the last run's logs aside as `*.log.1`."""
    for log in log_dir.glob("*.log"):
        log.replace(log.with_name(f"{log.name}.1"))


def write_privately(file: Path, content: str) -> None:
    """Replace a file's content at one stroke, readable to its owner only."""
    draft = file.with_name(f".{file.name}.part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(content)
    draft.replace(file)
