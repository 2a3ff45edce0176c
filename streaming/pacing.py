"""Pace: how a micro-batch is run, and when. See docs/adr/0005 and 0015.

From the rows of a batch to its execution mode; from the batches that run and the backlog of the
flows behind it to the moment it goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import SparkSession

from settings.model import Settings
from streaming.progress import SOURCES, count_flow_behind

# Generating the code of a plan, most of it compiled before, costs about as much as interpreting
# the plan for so many rows.
COMPILE_FROM_ROWS = 6_000
# A batch of a backlog: of more rows than a few seconds of traffic.
LARGE_ROWS = 20_000
# The days that a task writes at once, as their rows come; of more it sorts its rows first.
_DAYS_AT_ONCE = 20
_POLL_S = 0.25
_TAKEN_POLL_S = 0.05
# The way of an event to `/pages`: where not all batches can run at once, these come first, the last
# of them before the others, so that what is on its way arrives.
WAY_TO_PAGES = ("bronze", "silver", "gold_events")
# The other flows rest after a batch for so many times what it took: the four of them have little
# more than a third of the machine together, while a batch takes 3 s at most.
_REST_PER_WORK = 10
# On a cold machine batches take far longer than those to come.
_LONGEST_REST_S = 30.0
_REST_POLL_S = 0.5
_IDLE_S = 1.0
# Bronze takes records in at least so often, whatever holds the flow behind it.
_LONGEST_PAUSE_S = 10.0


class Turns:
    """Who may run a batch now, where not all flows can at once.

    The flows that are not on the way to `/pages` leave one turn free, if there are several.
    """

    def __init__(self, at_once: int | None) -> None:
        self._at_once = at_once
        self._has_changed = threading.Condition()
        self._running: list[str] = []
        self._waiting: list[str] = []
        self._used_at = 0.0

    @property
    def waiting(self) -> tuple[str, ...]:
        """The flows that wait for a turn, who came first first."""
        return tuple(self._waiting)

    @property
    def running(self) -> tuple[str, ...]:
        """The flows that have a turn."""
        return tuple(self._running)

    @contextmanager
    def take(self, flow: str, is_stopping: threading.Event) -> Iterator[Turn]:
        """Wait for a turn and have it until the block ends. While the app stops, nobody waits."""
        turn = Turn(self, flow, is_stopping)
        self._enter(flow, is_stopping)
        turn.began = time.monotonic()
        try:
            yield turn
        finally:
            turn.worked_s += time.monotonic() - turn.began
            self._leave(flow)

    def hand_over(self, flow: str, is_stopping: threading.Event) -> None:
        """Take a running flow's turn back if one on the way to `/pages` waits; give it another."""
        with self._has_changed:
            if not any(name in WAY_TO_PAGES for name in self._waiting):
                return
            self._leave(flow)
            self._enter(flow, is_stopping, place=0)  # before others that have not begun

    def _enter(self, flow: str, is_stopping: threading.Event, place: int | None = None) -> None:
        with self._has_changed:
            self._waiting.insert(len(self._waiting) if place is None else place, flow)
            while not (self._may_run(flow) or is_stopping.is_set()):
                self._has_changed.wait(_POLL_S)
            self._waiting.remove(flow)
            self._running.append(flow)

    def _leave(self, flow: str) -> None:
        with self._has_changed:
            self._running.remove(flow)
            self._used_at = time.monotonic()
            self._has_changed.notify_all()

    @property
    def is_limited(self) -> bool:
        """Not all flows can run at once."""
        return self._at_once is not None

    def idle_s(self) -> float:
        """For how long nobody has run or waited."""
        with self._has_changed:
            is_idle = not (self._running or self._waiting)
            return time.monotonic() - self._used_at if is_idle else 0.0

    def _may_run(self, flow: str) -> bool:
        if self._at_once is None:
            return True
        others = [name for name in self._running if name not in WAY_TO_PAGES]
        if flow not in WAY_TO_PAGES and len(others) >= max(1, self._at_once - 1):
            return False
        # Of equals, who has waited longest.
        return len(self._running) < self._at_once and flow == min(self._waiting, key=_rank)


@dataclass
class Turn:
    """One flow's turn, for one batch; `worked_s`: for how long it has had it, once it is over."""

    turns: Turns
    flow: str
    is_stopping: threading.Event
    worked_s: float = 0.0
    began: float = 0.0

    def give_way(self) -> None:
        """Between two writes: let flows go first that are on the way to `/pages`, if any wait.

        Whoever holds a lock that these need must not.
        """
        self.worked_s += time.monotonic() - self.began
        self.turns.hand_over(self.flow, self.is_stopping)
        self.began = time.monotonic()


def _rank(flow: str) -> int:
    """Lower goes first."""
    return -WAY_TO_PAGES.index(flow) if flow in WAY_TO_PAGES else 1


def choose_execution(session: SparkSession, rows: int) -> None:
    """Compile expressions where a batch is large, interpret them where it is small.

    A large one is not sorted by day before it is written either: for a small one that is slower.

    rows: that the batch takes in.
    """
    mode = "FALLBACK" if rows >= COMPILE_FROM_ROWS else "NO_CODEGEN"
    session.conf.set("spark.sql.codegen.factoryMode", mode)
    days_at_once = _DAYS_AT_ONCE if rows >= LARGE_ROWS else 0
    session.conf.set("spark.sql.maxConcurrentOutputFileWriters", str(days_at_once))


def find_readers(targets: tuple[str, ...]) -> tuple[str, ...]:
    """The flows that read one of these tables."""
    return tuple(flow for flow, table in SOURCES.items() if table in targets)


def wait_for_readers(
    settings: Settings, readers: tuple[str, ...], is_stopping: threading.Event
) -> None:
    """Let the flows behind catch up before they are given more: their batches stay bounded.

    A backlog is through no sooner when its first flow runs ahead, but the batches of the next one
    would grow with it, and memory with them.
    """
    limit = settings.stream.max_rows_ahead
    for reader in readers:
        while count_flow_behind(settings, reader) > limit and not is_stopping.wait(_POLL_S):
            pass


def wait_until_taken(
    settings: Settings, flow: str, rows: int, is_stopping: threading.Event
) -> None:
    """Let Silver work through a small batch of Bronze before the next one is planned.

    What arrives meanwhile is one batch then, not several that wait behind each other.

    rows: of the batch that `flow` has written.
    """
    if flow != WAY_TO_PAGES[0] or rows >= LARGE_ROWS:
        return
    until = time.monotonic() + _LONGEST_PAUSE_S
    while count_flow_behind(settings, WAY_TO_PAGES[1]) and time.monotonic() < until:
        if is_stopping.wait(_TAKEN_POLL_S):
            return


@dataclass
class Rests:
    """A flow's rests, after which it goes on; see `after_batch`."""

    settings: Settings
    flow: str
    turns: Turns
    is_stopping: threading.Event
    _is_first: bool = True

    def after_batch(self, rows: int, took_s: float) -> None:
        """Leave the turns to the way to `/pages`, after a batch of another flow that took `took_s`.

        Only while they are used, and until there is enough for a large batch, whose rows cost less.
        Not after the first batch since the start: it takes far longer than those to come, and much
        has come in meanwhile.

        rows: of the batch, which Spark counts as read only when its flow goes on.
        """
        is_first, self._is_first = self._is_first, False
        if is_first or self.flow in WAY_TO_PAGES or not self.turns.is_limited:
            return
        until = time.monotonic() + min(took_s * _REST_PER_WORK, _LONGEST_REST_S)
        while time.monotonic() < until and self.turns.idle_s() < _IDLE_S:
            has_enough = count_flow_behind(self.settings, self.flow) - rows >= LARGE_ROWS
            if has_enough or self.is_stopping.wait(_REST_POLL_S):
                return
