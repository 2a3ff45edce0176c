"""Turns: how many batches run at once, and whose comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from settings.model import Settings
from streaming.pacing import COMPILE_FROM_ROWS, WAY_TO_PAGES, Turns, wait_until_taken
from tests.e2e.app import wait_until

_OTHERS = ("sessions", "verdicts", "gold_details", "gold_sessions")


@dataclass
class Stage:
    """Flows on threads of their own, each holding its turn until it is told to go."""

    turns: Turns
    pool: ThreadPoolExecutor
    is_stopping: threading.Event = field(default_factory=threading.Event)
    entered: list[str] = field(default_factory=list)
    leave: dict[str, threading.Event] = field(default_factory=dict)

    def ask(self, flow: str) -> Future[None]:
        """Have a flow ask for a turn; returns when it has one or waits."""
        self.leave[flow] = threading.Event()
        running = self.pool.submit(self._run, flow)
        wait_until(lambda: flow in (*self.turns.waiting, *self.entered), f"{flow} to ask")
        return running

    def end(self, flow: str) -> None:
        """Let a flow that has its turn go."""
        self.leave[flow].set()

    def wait_for(self, *flows: str) -> None:
        """Wait until exactly these have had a turn, in this order."""
        wait_until(lambda: len(self.entered) >= len(flows), f"{flows} to run")
        assert self.entered == list(flows)

    def _run(self, flow: str) -> None:
        with self.turns.take(flow, self.is_stopping):
            self.entered.append(flow)
            assert self.leave[flow].wait(60)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=8) as executor:
        yield executor


def _open(pool: ThreadPoolExecutor, at_once: int | None) -> Stage:
    return Stage(Turns(at_once), pool)


def test_those_nearest_to_pages_go_first(pool: ThreadPoolExecutor) -> None:
    stage = _open(pool, 1)
    for flow in ("verdicts", "gold_details", "bronze", "sessions", "gold_events", "silver"):
        stage.ask(flow)
    order = ["verdicts", "gold_events", "silver", "bronze", "gold_details", "sessions"]
    for number, flow in enumerate(order, 1):
        stage.wait_for(*order[:number])
        stage.end(flow)


def test_the_others_leave_a_turn_free(pool: ThreadPoolExecutor) -> None:
    stage = _open(pool, 2)
    stage.ask("sessions")
    stage.ask("gold_details")
    stage.wait_for("sessions")
    assert stage.turns.waiting == ("gold_details",)
    stage.ask("silver")
    stage.wait_for("sessions", "silver")
    stage.end("silver")
    stage.end("sessions")
    stage.wait_for("sessions", "silver", "gold_details")
    stage.end("gold_details")


def test_all_turns_can_go_to_the_way_to_pages(pool: ThreadPoolExecutor) -> None:
    stage = _open(pool, 2)
    for flow in ("bronze", "gold_events", "sessions"):
        stage.ask(flow)
    stage.wait_for("bronze", "gold_events")
    stage.end("bronze")
    stage.wait_for("bronze", "gold_events", "sessions")
    stage.end("gold_events")
    stage.end("sessions")


def test_without_a_limit_nobody_waits(pool: ThreadPoolExecutor) -> None:
    stage = _open(pool, None)
    flows = (*WAY_TO_PAGES, *_OTHERS)
    for flow in flows:
        stage.ask(flow)
    stage.wait_for(*flows)
    for flow in flows:
        stage.end(flow)


def test_nobody_waits_while_the_app_stops(pool: ThreadPoolExecutor) -> None:
    stage = _open(pool, 1)
    stage.ask("silver")
    stage.ask("bronze")
    stage.wait_for("silver")
    stage.is_stopping.set()
    stage.wait_for("silver", "bronze")
    stage.end("silver")
    stage.end("bronze")


def test_a_batch_that_fails_gives_its_turn_back() -> None:
    turns, is_stopping = Turns(1), threading.Event()
    with pytest.raises(ZeroDivisionError), turns.take("silver", is_stopping):
        raise ZeroDivisionError
    with turns.take("gold_events", is_stopping):
        assert turns.waiting == ()


class _Silver:
    """What Silver has not read yet, one look after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *behind: int) -> None:
        self.looks = list(behind)
        monkeypatch.setattr("streaming.pacing.count_flow_behind", self._count)

    def _count(self, _: Settings, flow: str) -> int:
        assert flow == "silver"
        return self.looks.pop(0)


def test_bronze_waits_until_silver_has_its_small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    silver = _Silver(monkeypatch, 7, 7, 0, 7)
    wait_until_taken(Settings(), "bronze", COMPILE_FROM_ROWS - 1, threading.Event())
    assert silver.looks == [7]


@pytest.mark.parametrize(("flow", "rows"), [("bronze", COMPILE_FROM_ROWS), ("silver", 1)])
def test_nobody_waits_for_silver_otherwise(
    flow: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    silver = _Silver(monkeypatch, 7)
    wait_until_taken(Settings(), flow, rows, threading.Event())
    assert silver.looks == [7]


def test_bronze_does_not_wait_while_the_app_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    is_stopping = threading.Event()
    is_stopping.set()
    silver = _Silver(monkeypatch, 7, 7)
    wait_until_taken(Settings(), "bronze", 1, is_stopping)
    assert silver.looks == [7]
