"""`steady`: the same rate for a long time: the last quarter must be no worse than the first."""

from __future__ import annotations

import shutil
import time
from itertools import pairwise
from pathlib import Path

from bench.numbers import percentile
from bench.plan import Plan
from bench.scenarios.outcome import Outcome, Target, show_waits, split_evenly
from bench.scenarios.samples import Sample
from bench.scenarios.watch import Say, prove, watch
from bench.stack import run_stack

_QUARTERS = ("first", "second", "third", "last")
# What the same run gives twice differs by about so much.
_NOISE, _NOISE_S = 1.2, 1.0
# Issue 5: 15 s at 2,000 events/s, 10 s at 500.
_LIMITS_S = ((500, 10.0), (2_000, 15.0))


def run(folder: Path, rate: int, minutes: float, warmup_s: int, say: Say) -> Outcome:
    """rate: events per second; minutes: after so many seconds of warm-up."""
    shutil.rmtree(folder / "stack", ignore_errors=True)
    plan = Plan()
    with run_stack(folder, plan) as stack:
        with watch(stack, rate, plan.seed, say) as watched:
            watched.wait(warmup_s, "warming up")
            began_at = time.time()
            watched.wait(minutes * 60, f"{rate:,} events/s")
            ended_at = time.time()
        proof = prove(stack, watched.sent + watched.marked, {"bench": watched.page_views})
    quarters = split_evenly(watched.marks, began_at, ended_at, len(_QUARTERS))
    if not all(quarters):
        raise RuntimeError("a quarter without any marker: --minutes is too short")
    looks = watched.samples.looks
    step = (ended_at - began_at) / len(_QUARTERS)
    bounds = list(pairwise(began_at + step * number for number in range(len(_QUARTERS) + 1)))
    figures: dict[str, str] = {}
    for name, waits, (start, end) in zip(_QUARTERS, quarters, bounds, strict=True):
        figures[f"sent to visible, {name} quarter"] = show_waits(waits)
        figures[f"{name} quarter"] = describe([look for look in looks if start <= look.at < end])
    first, last = (percentile(quarters[index], 0.95) for index in (0, -1))
    targets = [Target("p95, last quarter", last, _NOISE * first + _NOISE_S, "s")]
    limits = [limit for up_to, limit in _LIMITS_S if rate <= up_to]
    if limits:
        everything = [wait for waits in quarters for wait in waits]
        targets.append(
            Target(f"p95 at {rate:,} events/s", percentile(everything, 0.95), limits[0], "s")
        )
    figures["JVM resident, at most"] = f"{watched.samples.jvm_peak_mb:,.0f} MB"
    figures["nothing lost"] = proof
    details = {"marks": watched.marks, "looks": [vars(look) for look in looks]}
    return Outcome(figures, targets, details)


def describe(looks: list[Sample]) -> str:
    """Rows behind and memory over some looks."""
    if not looks:
        return "no look"
    behind = [sum(look.behind.values()) for look in looks]
    return (
        f"{sum(behind) / len(behind):,.0f} rows behind in the mean, at most {max(behind):,}; "
        f"JVM {max(look.jvm_mb for look in looks):,.0f} MB, heap "
        f"{max(look.heap_mb for look in looks):,.0f} MB, Python "
        f"{max(look.python_mb for look in looks):,.0f} MB, state {looks[-1].state_mb:,.0f} MB"
    )
