"""The stages of the bench in their order, and the run they share.

A stage takes the run and a callback for its progress, and returns what belongs into the results.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.broker import run_broker
from bench.chain import measure_chain
from bench.freshness import measure_freshness
from bench.generate import EventSet, read_events, write_event_set
from bench.latency import measure_latency
from bench.plan import State
from bench.reference import measure_reference
from bench.send import make_producer, send_all
from bench.stack import Stack, run_stack
from bench.steps import measure_steps

Advance = Callable[[float], None]


class Run:
    """One run of the bench; it starts the product when a stage first needs it."""

    def __init__(self, folder: Path, state: State, open_things: ExitStack) -> None:
        self.folder = folder
        self.state = state
        self.plan = state.plan
        self._open_things = open_things
        self._stack: Stack | None = None

    @property
    def stack(self) -> Stack:
        """The running product; it is stopped when the run ends."""
        if self._stack is None:
            self._stack = self._open_things.enter_context(run_stack(self.folder, self.plan))
        return self._stack

    @property
    def events(self) -> EventSet:
        """The generated set."""
        return EventSet(**self.state.stages["generate"])


def generate(run: Run, _: Advance) -> dict[str, Any]:
    """Write the event set."""
    plan = run.plan
    file = str(run.folder / "events.ndjson")
    return asdict(write_event_set(file, plan.warmup_events, plan.events, plan.seed))


def reference(run: Run, advance: Advance) -> dict[str, Any]:
    """The same events through Kafka -> parse -> nothing."""
    events = run.events
    topics = {"warmup": (0, events.warmup_events), "events": (events.warmup_events, events.events)}
    with run_broker(run.folder / "reference", tuple(topics)) as bootstrap_servers:
        advance(0.1)
        producer = make_producer(bootstrap_servers)
        for topic, (first, count) in topics.items():
            send_all(producer, topic, read_events(events.file, first, count))
        advance(0.3)
        return measure_reference(
            bootstrap_servers, "warmup", "events", run.folder / "reference.log"
        )


def steps(run: Run, advance: Advance) -> dict[str, Any]:
    """What each step costs one event, without broker and tables."""
    events = run.events
    count = min(run.plan.step_events, events.warmup_events + events.events)
    advance(0.05)
    return measure_steps(events.file, count, run.plan.step_runs, run.folder / "steps.log")


def chain(run: Run, advance: Advance) -> dict[str, Any]:
    """The events as a backlog through everything, starting from empty tables."""
    shutil.rmtree(run.folder / "stack", ignore_errors=True)  # of an attempt that was interrupted
    return measure_chain(run.stack, run.plan, run.events, advance)


def freshness(run: Run, advance: Advance) -> dict[str, Any]:
    """Sent to visible, at a steady rate."""
    return measure_freshness(run.stack, run.plan, advance)


def latency(run: Run, advance: Advance) -> dict[str, Any]:
    """Requests over what the stages before brought in."""
    return measure_latency(run.stack, run.plan, advance)


STAGES: tuple[Callable[[Run, Advance], dict[str, Any]], ...] = (
    generate,
    reference,
    steps,
    chain,
    freshness,
    latency,
)
