"""Keeps a set of child processes up: starts them in order, restarts the dead, stops them all.

From declarations (`embedded/child.py`) to running processes; one loop in the main thread looks at
each child a few times a second. Who is ready is published whenever it changes.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from embedded.child import Child, Running, describe_exit
from embedded.errors import StackError
from embedded.process import adopt_orphans

_TICK_S = 0.1
_STOP_TOTAL_S = 18
_SHOWN_LOG_LINES = 15
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Called with {name: pid} once all children are ready and with None as soon as one is not.
Publish = Callable[[Mapping[str, int] | None], None]


@dataclass(frozen=True)
class RestartLimits:
    """How often a child may die before the supervisor gives up."""

    in_a_row: int = 5  # without having been ready in between
    per_hour: int = 30  # whatever happened in between: it may die each time soon after its start
    first_backoff_s: float = 1.0
    longest_backoff_s: float = 16.0


@dataclass
class _Record:
    """What the supervisor remembers of one child across its deaths."""

    running: Running | None = None
    is_finished: bool = False
    start_at: float = 0.0
    deaths_in_a_row: int = 0
    deaths_at: deque[float] = field(default_factory=deque)


class Supervisor:
    """Runs children until a signal asks for an end, or one of them cannot be kept up."""

    def __init__(
        self,
        children: Sequence[Child],
        log_dir: Path,
        say: Callable[[str], None],
        publish: Publish,
        limits: RestartLimits | None = None,
    ) -> None:
        self._children = children
        self._log_dir = log_dir
        self._report = say
        self._publish = publish
        self._limits = limits or RestartLimits()
        self._records = {child.name: _Record() for child in children}
        self._published: Mapping[str, int] | None = None
        self._signals = 0
        self._has_failed = False

    def run(self) -> int:
        """Start and watch the children until the end; the exit code."""
        previous = {number: signal.signal(number, self._take_signal) for number in _STOP_SIGNALS}
        try:
            with adopt_orphans():
                self._watch()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 1 if self._has_failed else 0

    def _watch(self) -> None:
        try:
            while not self._signals and not self._has_failed:
                for child in self._children:
                    self._look_at(child)
                self._publish_change()
                time.sleep(_TICK_S)
        finally:
            try:
                self._publish(None)
            finally:
                self._stop_all()

    def _take_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _look_at(self, child: Child) -> None:
        if self._signals or self._has_failed:
            return
        record = self._records[child.name]
        if record.running is None:
            if self._may_start(child, record):
                record.running = self._start(child)
            return
        running = record.running
        code = running.exit_code()
        if code is not None:
            self._bury(child, record, running, code)
        elif running.is_ready:
            return
        elif child.is_ready():
            running.is_ready = True
            record.deaths_in_a_row = 0
            self._say(f"{child.name} is ready ({running.age_s:.1f} s)")
        elif running.age_s > child.ready_timeout_s:
            self._say(f"{child.name} was not ready after {child.ready_timeout_s:.0f} s")
            running.kill()  # the next look finds it dead

    def _start(self, child: Child) -> Running:
        self._say(f"starting {child.name}")
        try:
            return Running(child, self._log_file(child))
        except OSError as error:
            raise StackError(f"cannot start {child.name} ({child.argv[0]}): {error}") from error

    def _may_start(self, child: Child, record: _Record) -> bool:
        if record.is_finished or time.monotonic() < record.start_at:
            return False
        return all(self._is_ready(name) for name in child.after)

    def _is_ready(self, name: str) -> bool:
        running = self._records[name].running
        return running is not None and running.is_ready

    def _bury(self, child: Child, record: _Record, running: Running, code: int) -> None:
        """Say that a child died, and decide what follows."""
        running.kill()  # a JVM it left behind must not meet the next one
        record.running = None
        if child.on_death == "ignore" and code == 0:
            record.is_finished = True
            self._say(f"{child.name} is done")
            return
        self._say(f"{child.name} {describe_exit(code)}; the end of {self._log_file(child)}:")
        for line in running.last_lines(_SHOWN_LOG_LINES):
            self._say(f"  | {line}")
        if child.on_death == "ignore":
            record.is_finished = True
            self._say(f"going on without {child.name}")
        elif code in child.fatal_exit_codes:
            self._has_failed = True
            self._say(f"{child.name} refuses to start, so everything stops")
        else:
            self._plan_restart(child, record)

    def _plan_restart(self, child: Child, record: _Record) -> None:
        limits, now = self._limits, time.monotonic()
        record.deaths_in_a_row += 1
        record.deaths_at.append(now)
        while record.deaths_at[0] < now - 3600:
            record.deaths_at.popleft()
        if record.deaths_in_a_row > limits.in_a_row or len(record.deaths_at) > limits.per_hour:
            self._has_failed = True
            self._say(
                f"{child.name} cannot be kept up ({len(record.deaths_at)} deaths within the "
                "hour), so everything stops"
            )
            return
        backoff_s = min(
            limits.first_backoff_s * 2 ** (record.deaths_in_a_row - 1), limits.longest_backoff_s
        )
        record.start_at = now + backoff_s
        self._say(f"starting {child.name} again in {backoff_s:.0f} s")

    def _publish_change(self) -> None:
        """Publish who runs, if all are ready (or done), and withdraw it when that ends."""
        pids: dict[str, int] | None = {}
        for name, record in self._records.items():
            if record.is_finished:
                continue
            if pids is None or record.running is None or not record.running.is_ready:
                pids = None
                break
            pids[name] = record.running.pid
        if pids != self._published:
            self._published = pids
            self._publish(pids)

    def _stop_all(self) -> None:
        """Stop in reverse order: whoever uses another goes first. A second signal kills."""
        deadline = time.monotonic() + _STOP_TOTAL_S
        stop_signals = min(self._signals, 1)
        for child in reversed(self._children):
            running = self._records[child.name].running
            if running is None:
                continue
            timeout_s = min(child.stop_timeout_s, max(deadline - time.monotonic(), 0.0))
            started = time.monotonic()
            if running.stop(timeout_s, lambda: self._signals > stop_signals):
                self._say(f"{child.name} stopped ({time.monotonic() - started:.1f} s)")
            else:
                self._say(f"{child.name} was killed: it did not stop in time")

    def _say(self, line: str) -> None:
        try:
            self._report(line)
        except OSError:
            # Whoever read this has gone, as when a terminal closes; the children must still be
            # stopped in order, and their logs are in files.
            self._report = _discard

    def _log_file(self, child: Child) -> Path:
        return self._log_dir / f"{child.name}.log"


def _discard(_line: str) -> None:
    """Says nothing: nobody is there to hear it."""
