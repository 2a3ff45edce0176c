"""One child process of the supervisor: what it is, and how it is started, watched and ended.

From a frozen declaration to a running process in a session of its own, its output in a log file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from embedded.process import bury_orphans, die_with_parent

_POLL_S = 0.05
_LEFTOVERS_S = 2.0
_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Child:
    """A process that the supervisor keeps up."""

    name: str
    argv: tuple[str, ...]
    is_ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()  # children that must be ready before this one starts
    on_death: Literal["restart", "ignore"] = "restart"
    fatal_exit_codes: frozenset[int] = frozenset()  # a restart would only end the same way
    ready_file: Path | None = None  # written by the child; removed before each start
    ready_timeout_s: float = 120
    stop_timeout_s: float = 5


class Running:
    """A child's process, from its start to its end."""

    def __init__(self, child: Child, log: Path) -> None:
        self.child = child
        self.is_ready = False
        self._log = log
        if child.ready_file:
            child.ready_file.parent.mkdir(parents=True, exist_ok=True)
            child.ready_file.unlink(missing_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                child.argv,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach the supervisor alone, and one kill all of the child's own.
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age_s(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self, timeout_s: float, is_urgent: Callable[[], bool]) -> bool:
        """Ask it to end, wait, then kill; whether it went by itself.

        The request goes to the process alone: a JVM that belongs to it must outlive the batch.
        """
        deadline = time.monotonic() + timeout_s
        if self._process.poll() is None:
            self._process.terminate()
        while self._process.poll() is None and time.monotonic() < deadline and not is_urgent():
            time.sleep(_POLL_S)
        went_by_itself = self._process.poll() is not None
        # A JVM leaves when it sees that its Python has gone; let it tidy up.
        deadline = min(deadline, time.monotonic() + _LEFTOVERS_S)
        while self._has_group() and time.monotonic() < deadline and not is_urgent():
            time.sleep(_POLL_S)
        self.kill()
        return went_by_itself

    def kill(self) -> None:
        """End it and everything it started, at once, and see them gone."""
        if self._has_group():
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        # Bounded: other systems than Linux let us wait for our own children only.
        deadline = time.monotonic() + _LEFTOVERS_S
        while self._has_group() and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def last_lines(self, count: int) -> list[str]:
        """The last lines it wrote since its start."""
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
        return [line for line in text.splitlines() if line.strip()][-count:]

    def _has_group(self) -> bool:
        """Whether it, or anything it started, is still there."""
        if self._process.poll() is None:
            return True
        bury_orphans(self.pid)
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
