"""`catch-up`: a backlog while traffic goes on: how long until drained, and what it costs meanwhile.

The backlog has a site of its own and is sent as fast as the broker takes it; it is drained with
the first answer of `/pages` that has all its page views.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from bench.generate import read_events, write_event_set
from bench.numbers import percentile
from bench.plan import Plan
from bench.scenarios.outcome import Outcome, Target, show_waits
from bench.scenarios.state_rows import count_state_rows
from bench.scenarios.watch import Say, Watch, count_page_views, prove, watch
from bench.send import make_producer, send_all
from bench.stack import Stack, run_stack

_SITE = "backlog"
_POLL_S = 4.0
# Of the markers sent after the backlog, to those before it; below 10 s nobody minds.
_BACK_TO, _GOOD_S = 2.0, 10.0


def run(folder: Path, events: int, rate: int, around_s: int, say: Say) -> Outcome:
    """events: of the backlog; rate: that goes on, per second; around_s: before and after it."""
    shutil.rmtree(folder / "stack", ignore_errors=True)
    plan = Plan()
    say(f"generating {events:,} events")
    made = write_event_set(folder / "backlog.ndjson", 0, events, plan.seed, _SITE)
    with run_stack(folder, plan) as stack:
        with watch(stack, rate, plan.seed + 1, say) as watched:
            watched.wait(around_s, "warming up")
            before_at = time.time()
            watched.wait(around_s, "before the backlog")
            began_at = time.time()
            send_all(
                make_producer(stack.run["kafka"]),
                stack.run["topic"],
                read_events(made.file, 0, events),
            )
            sent_at = time.time()
            say(f"the backlog is in Kafka after {sent_at - began_at:.0f} s")
            drained_at = _wait_until_drained(stack, watched, events, made.page_views, rate)
            say(f"drained after {drained_at - began_at:.0f} s; counting rows of state")
            rows = count_state_rows(stack.run["checkpoints"], folder / "state.log")
            after_at = time.time()
            watched.wait(around_s, "after the backlog")
            ended_at = time.time()
        proof = prove(
            stack,
            events + watched.sent + watched.marked,
            {_SITE: made.page_views, "bench": watched.page_views},
        )
    Path(made.file).unlink()
    return _conclude(
        watched, events, rate, rows, proof, (before_at, began_at, drained_at, after_at, ended_at)
    )


def _wait_until_drained(
    stack: Stack, watched: Watch, events: int, page_views: int, rate: int
) -> float:
    watched.wait_for(
        lambda: count_page_views(stack, _SITE) >= page_views,
        max(600, events / 500),
        f"{events:,} events of backlog",
        every_s=_POLL_S,
    )
    drained_at = time.time()
    # Sessions and details come after `/pages`; half a minute's traffic is always on its way.
    watched.wait_for(
        lambda: max(watched.samples.looks[-1].behind.values()) <= 30 * rate,
        max(600, events / 500),
        "the other flows",
    )
    return drained_at


def _conclude(
    watched: Watch,
    events: int,
    rate: int,
    rows: dict[str, int],
    proof: str,
    times: tuple[float, ...],
) -> Outcome:
    before_at, began_at, drained_at, after_at, ended_at = times
    drained_s = drained_at - began_at
    before, during, after = (
        watched.waits(start, end)
        for start, end in ((before_at, began_at), (began_at, drained_at), (after_at, ended_at))
    )
    samples = watched.samples
    worst = max(during, default=0.0)
    limit_s = max(_GOOD_S, _BACK_TO * percentile(before, 0.95))
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
                f"{flow} {count:,} rows" for flow, count in rows.items()
            ),
            "state on disk, at most": f"{samples.peak('state_mb'):,.0f} MB",
            "nothing lost": proof,
        },
        targets=[
            Target(
                "longest wait during, at most the backlog's own time", worst, drained_s + 10, "s"
            ),
            Target("p95 after the backlog", percentile(after, 0.95), limit_s, "s"),
        ],
        details={"marks": watched.marks, "looks": [vars(look) for look in samples.looks]},
    )
