"""Turns: how many batches run at once, and whose comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field

import pytest
from pyspark.sql import DataFrame

from schemas.bronze import EVENTS
from settings.model import Settings
from streaming.checkpoints import FlowState
from streaming.flow import Flow, start_flow
from streaming.maintenance.compact import Compactor
from streaming.pacing import (
    LARGE_ROWS,
    WAY_TO_PAGES,
    Rests,
    Turn,
    Turns,
    wait_until_taken,
)
from streaming.sinks import Batch
from streaming.sources import stream_table
from tests.e2e.app import wait_until
from tests.streaming.conftest import MakeLake
from tests.streaming.records import Record

_OTHERS = ("sessions", "verdicts", "gold_details", "gold_sessions")


@dataclass
class Stage:
    """Flows on threads of their own, each holding its turn until it is told to go."""

    turns: Turns
    pool: ThreadPoolExecutor
    is_stopping: threading.Event = field(default_factory=threading.Event)
    entered: list[str] = field(default_factory=list)
    leave: dict[str, threading.Event] = field(default_factory=dict)
    give_way: dict[str, threading.Event] = field(default_factory=dict)
    runs: list[Future[None]] = field(default_factory=list)

    def ask(self, *flows: str) -> None:
        """Have flows ask for a turn, one after the other, each until it has one or waits."""
        for flow in flows:
            self.leave[flow], self.give_way[flow] = threading.Event(), threading.Event()
            self.runs.append(self.pool.submit(self._run, flow))
            self._wait_until_asked(flow)

    def end(self, flow: str) -> None:
        """Let a flow that has its turn go."""
        self.leave[flow].set()

    def find_entered(self, count: int) -> list[str]:
        """The flows that have had a turn, in this order, once there are so many."""
        wait_until(lambda: len(self.entered) >= count, f"{count} flows to run")
        return list(self.entered)

    def close(self) -> None:
        """Let all go; raises what one of them has raised."""
        for event in self.leave.values():
            event.set()
        for run in self.runs:
            run.result()

    def _wait_until_asked(self, flow: str) -> None:
        wait_until(lambda: flow in (*self.turns.waiting, *self.entered), f"{flow} to ask")

    def _run(self, flow: str) -> None:
        with self.turns.take(flow, self.is_stopping) as turn:
            self.entered.append(flow)
            while not self.leave[flow].wait(0.01):
                if self.give_way[flow].is_set():
                    self.give_way[flow].clear()
                    turn.give_way()
                    self.entered.append(flow)


OpenStage = Callable[[int | None], Stage]


@pytest.fixture
def open_stage() -> Iterator[OpenStage]:
    """Makes a stage with so many turns; its flows are let go at the end."""
    stages: list[Stage] = []

    def make(at_once: int | None) -> Stage:
        stages.append(Stage(Turns(at_once), pool))
        return stages[-1]

    with ThreadPoolExecutor(max_workers=8) as pool:
        yield make
        for stage in stages:
            stage.close()


def test_those_nearest_to_pages_go_first(open_stage: OpenStage) -> None:
    stage = open_stage(1)
    stage.ask("verdicts", "gold_details", "bronze", "sessions", "gold_events", "silver")
    order = ["verdicts", "gold_events", "silver", "bronze", "gold_details", "sessions"]
    for number, flow in enumerate(order, 1):
        assert stage.find_entered(number) == order[:number]
        stage.end(flow)


def test_the_others_leave_a_turn_free(open_stage: OpenStage) -> None:
    stage = open_stage(2)
    stage.ask("sessions", "gold_details")
    assert stage.find_entered(1) == ["sessions"]
    assert stage.turns.waiting == ("gold_details",)
    stage.ask("silver")
    assert stage.find_entered(2) == ["sessions", "silver"]
    stage.end("silver")
    stage.end("sessions")
    assert stage.find_entered(3) == ["sessions", "silver", "gold_details"]


def test_all_turns_can_go_to_the_way_to_pages(open_stage: OpenStage) -> None:
    stage = open_stage(2)
    stage.ask("bronze", "gold_events", "sessions")
    assert stage.find_entered(2) == ["bronze", "gold_events"]
    stage.end("bronze")
    assert stage.find_entered(3) == ["bronze", "gold_events", "sessions"]


def test_without_a_limit_nobody_waits(open_stage: OpenStage) -> None:
    stage = open_stage(None)
    stage.ask(*WAY_TO_PAGES, *_OTHERS)
    assert stage.find_entered(7) == [*WAY_TO_PAGES, *_OTHERS]


def test_nobody_waits_while_the_app_stops(open_stage: OpenStage) -> None:
    stage = open_stage(1)
    stage.ask("silver", "bronze")
    assert stage.find_entered(1) == ["silver"]
    stage.is_stopping.set()
    assert stage.find_entered(2) == ["silver", "bronze"]


def test_a_batch_gives_way_between_two_writes_and_goes_on_before_others(
    open_stage: OpenStage,
) -> None:
    stage = open_stage(1)
    stage.ask("gold_details", "sessions", "silver")
    stage.give_way["gold_details"].set()
    order = ["gold_details", "silver", "gold_details", "sessions"]
    assert stage.find_entered(2) == order[:2]
    stage.end("silver")
    assert stage.find_entered(3) == order[:3]
    stage.end("gold_details")
    assert stage.find_entered(4) == order


def test_nobody_gives_way_to_flows_that_are_not_on_the_way(open_stage: OpenStage) -> None:
    stage = open_stage(1)
    stage.ask("gold_details", "sessions")
    stage.give_way["gold_details"].set()
    assert stage.find_entered(2) == ["gold_details", "gold_details"]
    assert stage.turns.waiting == ("sessions",)


def test_a_turn_counts_the_work_and_not_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, clock = Turns(1), iter([0.0, 3.0, 3.0, 10.0, 14.0, 14.0])
    monkeypatch.setattr("streaming.pacing.time.monotonic", lambda: next(clock))
    monkeypatch.setattr(turns, "hand_over", lambda *_: next(clock))
    with turns.take("sessions", threading.Event()) as turn:
        turn.give_way()
    assert turn.worked_s == 3 + 4


def test_a_batch_that_fails_gives_its_turn_back() -> None:
    turns, is_stopping = Turns(1), threading.Event()
    with pytest.raises(ZeroDivisionError), turns.take("silver", is_stopping):
        raise ZeroDivisionError
    with turns.take("gold_events", is_stopping):
        assert turns.waiting == ()


class _Behind:
    """What a flow has not read yet, one look after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, flow: str, *behind: int) -> None:
        self.flow, self.looks = flow, list(behind)
        monkeypatch.setattr("streaming.pacing.count_flow_behind", self._count)
        monkeypatch.setattr("streaming.pacing._REST_POLL_S", 0.0)

    def _count(self, _: Settings, flow: str) -> int:
        assert flow == self.flow
        return self.looks.pop(0)


def test_bronze_waits_until_silver_has_its_small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    silver = _Behind(monkeypatch, "silver", 7, 7, 0, 7)
    wait_until_taken(Settings(), "bronze", LARGE_ROWS - 1, threading.Event())
    assert silver.looks == [7]


@pytest.mark.parametrize(("flow", "rows"), [("bronze", LARGE_ROWS), ("silver", 1)])
def test_nobody_waits_for_silver_otherwise(
    flow: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    silver = _Behind(monkeypatch, "silver", 7)
    wait_until_taken(Settings(), flow, rows, threading.Event())
    assert silver.looks == [7]


def test_bronze_does_not_wait_while_the_app_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    is_stopping = threading.Event()
    is_stopping.set()
    silver = _Behind(monkeypatch, "silver", 7, 7)
    wait_until_taken(Settings(), "bronze", 1, is_stopping)
    assert silver.looks == [7]


def _rest(flow: str, turns: Turns, took_s: float, is_stopping: threading.Event) -> None:
    """After the second batch since the start."""
    rests = Rests(Settings(), flow, turns, is_stopping)
    rests.after_batch(100, took_s)
    rests.after_batch(100, took_s)


@pytest.mark.parametrize("flow", _OTHERS)
def test_another_flow_rests_until_a_large_batch_waits(
    flow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(1)
    source = _Behind(monkeypatch, flow, 100, 99 + LARGE_ROWS, 100 + LARGE_ROWS, 0)
    with turns.take("silver", threading.Event()):
        _rest(flow, turns, 3600, threading.Event())
    assert source.looks == [0]


def test_nobody_rests_after_the_first_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1)
    source = _Behind(monkeypatch, "sessions", 100)
    with turns.take("silver", threading.Event()):
        Rests(Settings(), "sessions", turns, threading.Event()).after_batch(100, 3600)
    assert source.looks == [100]


@pytest.mark.parametrize(("took_s", "rest_s"), [(2, 20), (3600, 30)])
def test_the_rest_is_as_long_as_the_work_asks(
    took_s: float, rest_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, clock = Turns(1), iter(range(100))
    source = _Behind(monkeypatch, "sessions", *[100] * 100)
    with turns.take("silver", threading.Event()):
        monkeypatch.setattr("streaming.pacing.time.monotonic", lambda: next(clock))
        _rest("sessions", turns, took_s, threading.Event())
        monkeypatch.undo()
    # Each look takes a second here, the first one no time.
    assert len(source.looks) == 100 - (rest_s - 1)


def test_nobody_rests_where_nobody_wants_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1)
    with turns.take("silver", threading.Event()):
        assert turns.idle_s() == 0
    monkeypatch.setattr("streaming.pacing._IDLE_S", 0.0)
    source = _Behind(monkeypatch, "sessions", 100)
    _rest("sessions", turns, 3600, threading.Event())
    assert source.looks == [100]


@pytest.mark.parametrize(("flow", "at_once"), [*((name, 1) for name in WAY_TO_PAGES), ("x", None)])
def test_the_way_to_pages_never_rests_and_nobody_without_a_limit(
    flow: str, at_once: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, turns = _Behind(monkeypatch, flow, 100), Turns(at_once)
    with turns.take("silver", threading.Event()):
        _rest(flow, turns, 3600, threading.Event())
    assert source.looks == [100]


def test_nobody_rests_while_the_app_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    is_stopping, turns = threading.Event(), Turns(1)
    is_stopping.set()
    source = _Behind(monkeypatch, "sessions", 100, 100)
    with turns.take("silver", threading.Event()):
        _rest("sessions", turns, 3600, is_stopping)
    assert source.looks == [100]


def test_upkeep_comes_after_the_batch_in_turns_of_its_own(make_lake: MakeLake) -> None:
    """In the flow's name: as one of the others it would wait, and the flow's next batch with it."""

    class Counted(Turns):
        taken = 0

        def take(self, flow: str, is_stopping: threading.Event) -> AbstractContextManager[Turn]:
            self.taken += 1
            return super().take(flow, is_stopping)

    lake, turns = make_lake(), Counted(1)
    lake.feed([Record(b"{}")])
    seen: list[tuple[int, tuple[str, ...], str | None]] = []

    def write(rows: DataFrame, batch: Batch) -> None:
        def note() -> None:
            mode = rows.sparkSession.conf.get("spark.sql.codegen.factoryMode")
            seen.append((turns.taken, turns.running, mode))

        note()
        batch.upkeep += [note] * 2

    flow = Flow("silver", (), lambda runtime: stream_table(runtime, EVENTS), lambda _: write)
    with closing(Compactor(lake.runtime)) as compactor:
        query = start_flow(lake.runtime, flow, FlowState("a"), turns, compactor, available_now=True)
        query.awaitTermination()
    assert seen == [
        (1, ("silver",), "NO_CODEGEN"),
        (2, ("silver",), "FALLBACK"),
        (3, ("silver",), "FALLBACK"),
    ]
