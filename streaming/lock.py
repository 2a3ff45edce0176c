"""One app per lake: a second instance would write every table twice at once.

On a local disk an advisory lock on a file beside the checkpoints, which the system releases when
the process ends, however it ends. On any other file system a lease: a file that its holder renews,
and that counts as given up when it was not renewed for a while.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings.load import checkpoint_root
from settings.model import Settings
from streaming.files import local_path, read_text, write_text

_LEASE_S = 60.0
_RENEW_S = 10.0


class LakeInUse(Exception):
    """Another instance of the app works on this lake."""


@contextmanager
def hold_lake(settings: Settings) -> Iterator[None]:
    """Hold a local lake for this process; raises LakeInUse. Other lakes: see `hold_lease`."""
    root = checkpoint_root(settings)
    folder = local_path(root)
    if folder is None:
        yield
        return
    with _lock_file(folder / "app.lock", root):
        yield


@contextmanager
def hold_lease(settings: Settings) -> Iterator[None]:
    """Hold a lake on a remote file system; needs a Spark session. Raises LakeInUse."""
    root = checkpoint_root(settings)
    if local_path(root) is not None:
        yield
        return
    uri, holder = f"{root}/app.lease", f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
    _take_lease(uri, holder, root)
    stopped = threading.Event()
    renewal = threading.Thread(target=_renew_lease, args=(uri, holder, stopped), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        stopped.set()
        renewal.join()
        write_text(uri, json.dumps({"holder": None, "renewed_at": 0}))


@contextmanager
def _lock_file(file: Path, root: str) -> Iterator[None]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise _in_use(root, f"process {handle.read().strip() or '?'}") from None
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def _take_lease(uri: str, holder: str, root: str) -> None:
    lease = json.loads(read_text(uri) or "{}")
    age_s = time.time() - lease.get("renewed_at", 0)
    if lease.get("holder") and age_s < _LEASE_S:
        raise _in_use(root, f"{lease['holder']} (seen {age_s:.0f} s ago)")
    _write_lease(uri, holder)
    # No file system here can compare and swap: wait for a rival's write, then see who won.
    time.sleep(2)
    if json.loads(read_text(uri) or "{}").get("holder") != holder:
        raise _in_use(root, "another instance that started at the same moment")


def _renew_lease(uri: str, holder: str, stopped: threading.Event) -> None:
    while not stopped.wait(_RENEW_S):
        _write_lease(uri, holder)


def _write_lease(uri: str, holder: str) -> None:
    write_text(uri, json.dumps({"holder": holder, "renewed_at": time.time()}))


def _in_use(root: str, holder: str) -> LakeInUse:
    return LakeInUse(
        f"another instance of the app already works on this lake: {holder} holds {root}. "
        "Stop it first, or give this one a lake and checkpoints of its own (--data-dir)."
    )
