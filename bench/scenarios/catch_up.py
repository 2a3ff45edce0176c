"""`catch-up`: a backlog while traffic goes on: how long until drained, and what it costs meanwhile.

The backlog has a site of its own and is sent as fast as the broker takes it; it is drained with
the first answer of `/pages` that has all its page views.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.cores import read_core_s
from bench.generate import EventSet, read_events, write_event_set
from bench.plan import Plan
from bench.scenarios.outcome import Outcome, Target, find_p95, show_waits
from bench.scenarios.sizes import measure_layers
from bench.scenarios.state_rows import count_state_rows
from bench.scenarios.watch import Say, Watch, count_page_views, prove, watch
from bench.send import make_producer, send_all
from bench.stack import Stack, run_stack

_SITE = "backlog"
_POLL_S = 4.0
# Of the markers sent after the backlog, to those before it; below 10 s nobody minds.
_BACK_TO, _GOOD_S = 2.0, 10.0


@dataclass
class _Course:
    """When what happened (Unix times), and what it took."""

    before_at: float = 0.0
    began_at: float = 0.0
    drained_at: float = 0.0
    after_at: float = 0.0
    ended_at: float = 0.0
    core_us: float = 0.0  # of the stream's processes, per event
    state_rows: dict[str, int] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)  # bytes
    records: int = 0
    proof: str = ""


def run(folder: Path, events: int, rate: int, around_s: int, say: Say) -> Outcome:
    """events: of the backlog; rate: that goes on, per second; around_s: before and after it."""
    shutil.rmtree(folder / "stack", ignore_errors=True)
    plan, course = Plan(), _Course()
    say(f"generating {events:,} events")
    made = write_event_set(folder / "backlog.ndjson", 0, events, plan.seed, _SITE)
    with run_stack(folder, plan) as stack:
        with watch(stack, rate, plan.seed + 1, say) as watched:
            watched.wait(around_s, "warming up")
            course.before_at = time.time()
            watched.wait(around_s, "before the backlog")
            _work_off(stack, watched, made, rate, course)
            say(f"drained after {course.drained_at - course.began_at:.0f} s; counting state")
            checkpoints = stack.run["checkpoints"]
            course.state_rows = count_state_rows(checkpoints, folder / "state.log")
            course.after_at = time.time()
            watched.wait(around_s, "after the backlog")
            course.ended_at = time.time()
        course.records = events + watched.sent + watched.marked
        sent = {_SITE: made.page_views, "bench": watched.page_views}
        course.proof = prove(stack, course.records, sent)
        course.layers = measure_layers(stack.data_dir / "lake")
    Path(made.file).unlink()
    return _conclude(watched, events, rate, course)


def _work_off(stack: Stack, watched: Watch, made: EventSet, rate: int, course: _Course) -> None:
    """Send the backlog and wait until it is in all tables."""
    pid = stack.run["pids"]["stream"]
    course.began_at, used_s = time.time(), read_core_s(pid)
    events = read_events(made.file, 0, made.events)
    send_all(make_producer(stack.run["kafka"]), stack.run["topic"], events)
    watched.say(f"the backlog is in Kafka after {time.time() - course.began_at:.0f} s")
    limit_s = max(600, made.events / 500)
    watched.wait_for(
        lambda: count_page_views(stack, _SITE) >= made.page_views,
        limit_s,
        f"{made.events:,} events of backlog",
        every_s=_POLL_S,
    )
    course.drained_at = time.time()
    # Sessions and details come after `/pages`; half a minute's traffic is always on its way.
    watched.wait_for(
        lambda: max(watched.samples.looks[-1].behind.values()) <= 30 * rate,
        limit_s,
        "the other flows",
    )
    arrived = made.events + rate * (time.time() - course.began_at)
    course.core_us = (read_core_s(pid) - used_s) / arrived * 1e6


def _conclude(watched: Watch, events: int, rate: int, course: _Course) -> Outcome:
    drained_s = course.drained_at - course.began_at
    before = watched.waits(course.before_at, course.began_at)
    during = watched.waits(course.began_at, course.drained_at)
    after = watched.waits(course.after_at, course.ended_at)
    samples = watched.samples
    limit_s = max(_GOOD_S, _BACK_TO * find_p95(before, "before the backlog"))
    per_event = {layer: size / course.records for layer, size in course.layers.items()}
    return Outcome(
        figures={
            "backlog drained, `/pages` has all of it": f"{events:,} events in {drained_s:.0f} s, "
            f"{(events + rate * drained_s) / drained_s:,.0f} events/s",
            "sent to visible before": show_waits(before),
            "sent to visible during": show_waits(during),
            "sent to visible after": show_waits(after),
            "stream: JVM resident, at most": f"{samples.jvm_peak_mb:,.0f} MB",
            "stream: JVM heap in use, at most": f"{samples.peak('heap_mb'):,.0f} MB",
            "stream: Python resident, at most": f"{samples.peak('python_mb'):,.0f} MB",
            "state when drained": ", ".join(
                f"{flow} {count:,} rows" for flow, count in course.state_rows.items()
            ),
            "state on disk, at most": f"{samples.peak('state_mb'):,.0f} MB",
            "stream: processor time": f"{course.core_us:,.0f} core-us per event",
            "stored per event": ", ".join(
                f"{layer} {size:,.0f} B" for layer, size in per_event.items() if layer != "ops"
            ),
            "nothing lost": course.proof,
        },
        targets=[
            Target(
                "longest wait during, at most the backlog's own time",
                max(during, default=0.0),
                drained_s + 10,
                "s",
            ),
            Target("p95 after the backlog", find_p95(after, "after the backlog"), limit_s, "s"),
        ],
        details={"marks": watched.marks, "looks": [vars(look) for look in samples.looks]},
    )
