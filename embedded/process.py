"""Ties processes to this one: children die when we do, and their own orphans become ours.

From `subprocess` calls all over `embedded/` to two features of Linux; elsewhere both do nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded before any fork: the child may only call it.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> Callable[[], None]:
    """A `preexec_fn` for a child started from the main thread."""
    parent = os.getpid()

    def set_death_signal() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died in between, so the signal will never come
            os._exit(1)

    return set_death_signal


@contextmanager
def adopt_orphans() -> Iterator[None]:
    """While this holds, what a dead child leaves behind becomes a child of this process.

    Otherwise it goes to process 1, which in a container often buries nobody.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def bury_orphans(group: int) -> None:
    """Collect the exit codes of all dead children in a process group, so that they are gone."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return  # nobody of that group is ours
