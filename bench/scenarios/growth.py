"""`growth`: what history costs: restart, micro-batches, queries and files at 1, 10 and 100 times.

One lake whose past is made longer step by step (`bench/scenarios/history.py`); at each length the
app starts twice: once to get used to it, then measured, at the same small rate.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.cores import read_core_s
from bench.freshness import read_pages, send_marker
from bench.numbers import median, summarize
from bench.plan import Plan
from bench.scenarios.fabricate import add_days, lengthen_logs, run_apart
from bench.scenarios.history import count_events, make_sites
from bench.scenarios.memory import MB, read_started_at
from bench.scenarios.outcome import Outcome, Target
from bench.scenarios.sizes import add_up, measure_tables
from bench.scenarios.watch import Say, prove, watch
from bench.send import make_producer
from bench.stack import Stack, run_stack, wait_for

_RATE = 50
_RANGES = (1, 7, 30, 400)
_QUERIES = 5
_FLOWS = ("bronze", "silver", "sessions", "gold_events", "gold_details", "gold_sessions")
_LOG_DAYS = 30  # Delta keeps a log for so long
# "Flat" with the noise of two short measurements on a small machine.
_FLAT, _FLAT_S = 1.5, 2.0


@dataclass
class Lake:
    """What has been put into the lake so far."""

    folder: Path
    events_per_day: int
    days: int = 0
    records: int = 0
    page_views: int = 0
    phases: int = 0
    sizes: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def fabricated(self) -> int:
        """Rows of `silver.events` that never were in Kafka."""
        sites = make_sites(self.events_per_day)
        return sum(count_events(site, self.days) for site in sites) if self.days else 0


def run(
    folder: Path,
    days: tuple[int, ...],
    events_per_day: int,
    commits_per_day: int,
    seconds: int,
    say: Say,
) -> Outcome:
    """days: lengths of history, rising; seconds: of steady traffic at each."""
    shutil.rmtree(folder / "stack", ignore_errors=True)
    lake = Lake(folder, events_per_day)
    say("an empty lake")
    _run_once(lake, 10, say)
    for length in days:
        say(f"{length} days of history")
        _extend(lake, length, commits_per_day)
        _run_once(lake, 15, say)
        lake.sizes[length] = _measure(lake, seconds, say)
    return conclude(lake.sizes)


def _extend(lake: Lake, length: int, commits_per_day: int) -> None:
    added = length - lake.days
    first = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=length)
    data_dir, log = lake.folder / "stack", lake.folder / "history.log"
    run_apart(add_days, data_dir, log, first, added, lake.events_per_day)
    logged = min(length, _LOG_DAYS) - min(lake.days, _LOG_DAYS)
    if commits_per_day and logged:
        run_apart(lengthen_logs, data_dir, log, logged * commits_per_day)
    lake.days = length


def _run_once(lake: Lake, seconds: int, say: Say) -> None:
    """Start, let some traffic through, prove that it arrived, stop."""
    with run_stack(lake.folder, Plan()) as stack:
        _send(lake, stack, seconds, say)


def _send(lake: Lake, stack: Stack, seconds: int, say: Say, warmup_s: int = 0) -> dict[str, Any]:
    lake.phases += 1
    pid = stack.run["pids"]["stream"]
    with watch(stack, _RATE, lake.phases, say) as watched:
        watched.wait(warmup_s, "warming up")
        began_at, used = time.time(), read_core_s(pid)
        watched.wait(seconds, f"{_RATE} events/s")
        ended_at, used = time.time(), read_core_s(pid) - used
    lake.records += watched.sent + watched.marked
    lake.page_views += watched.page_views
    prove(stack, lake.records, {"bench": lake.page_views}, lake.fabricated)
    batches = {flow: watched.samples.durations(flow, began_at, ended_at) for flow in _FLOWS}
    return {
        "visible_after_s": summarize(watched.waits(began_at, ended_at) or [0.0]),
        "batch_s": {flow: round(median(times), 3) for flow, times in batches.items() if times},
        "cores_busy": round(used / (ended_at - began_at), 2),
        "jvm_peak_mb": round(watched.samples.jvm_peak_mb),
    }


def _measure(lake: Lake, seconds: int, say: Say) -> dict[str, Any]:
    started = time.time()
    with run_stack(lake.folder, Plan()) as stack:
        ready_s = time.time() - started
        stream_ready = (stack.data_dir / "run" / "stream.ready").stat().st_mtime
        stream_s = stream_ready - read_started_at(stack.run["pids"]["stream"])
        visible_s = _wait_for_marker(lake, stack)
        found = _send(lake, stack, seconds, say, warmup_s=20)
        queries = _ask(stack, lake.days)
        tables = measure_tables(stack.data_dir / "lake")
    return {
        "up_ready_s": round(ready_s, 1),
        "stream_ready_s": round(stream_s, 1),
        "first_event_visible_s": round(visible_s, 1),
        **found,
        "queries_ms": queries,
        "tables": {name: asdict(size) for name, size in tables.items()},
        "all_tables": asdict(add_up(tables)),
    }


def _wait_for_marker(lake: Lake, stack: Stack) -> float:
    """Seconds until the first event after the start is counted."""
    path = f"/started/{time.time_ns():x}"
    producer = make_producer(stack.run["kafka"], linger_ms=5)
    sent_at = send_marker(producer, stack.run["topic"], random.Random(path), path)
    producer.flush(30)
    lake.records += 1
    today = dt.datetime.now(dt.UTC).date().isoformat()
    with stack.http() as client:
        wait_for(
            lambda: path in read_pages(client, today), 300, "a first event", stack, every_s=0.3
        )
    return time.time() - sent_at


def _ask(stack: Stack, days: int) -> dict[str, float]:
    """Median milliseconds of uncached questions, by path and days asked about."""
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = {}
    with stack.http() as client:
        for path in ("/pages", "/sessions"):
            for length in sorted({min(length, days) for length in _RANGES}):
                times = []
                for number in range(_QUERIES):
                    # Whole hours, each range another one.
                    start = midnight - dt.timedelta(days=length) + dt.timedelta(hours=number)
                    params = {"start": start.isoformat(), "end": midnight.isoformat()}
                    params["site_id"] = "history-large"
                    began = time.perf_counter()
                    answer = client.get(path, params=params)
                    times.append((time.perf_counter() - began) * 1000)
                    answer.raise_for_status()
                    if answer.json()["meta"]["cache"] != "miss":
                        raise RuntimeError(f"{path} {params}: not a miss, so nothing was measured")
                found[f"{path}, {length} d"] = round(median(times), 1)
    return found


def conclude(sizes: dict[int, dict[str, Any]]) -> Outcome:
    """sizes: days of history -> what was measured with it."""
    outcome = Outcome(details={"sizes": {str(days): found for days, found in sizes.items()}})
    for days, found in sizes.items():
        total = found["all_tables"]
        outcome.figures |= {
            f"{days} days: start": f"stream ready {found['stream_ready_s']:.1f} s, `up` ready "
            f"{found['up_ready_s']:.1f} s, first event counted after "
            f"{found['first_event_visible_s']:.1f} s more",
            f"{days} days: median batch": ", ".join(
                f"{flow} {seconds:.2f} s" for flow, seconds in found["batch_s"].items()
            ),
            f"{days} days: at {_RATE} events/s": f"sent to visible p95 "
            f"{found['visible_after_s']['p95']:.1f} s, {found['cores_busy']:.2f} cores busy, "
            f"JVM {found['jvm_peak_mb']:,} MB",
            f"{days} days: uncached": ", ".join(
                f"`{what}` {ms:,.0f} ms" for what, ms in found["queries_ms"].items()
            ),
            f"{days} days: files": f"{total['files']:,} of {total['bytes'] / MB:,.0f} MB, logs "
            f"{total['log_files']:,} of {total['log_bytes'] / MB:,.0f} MB",
        }
    first, last = sizes[min(sizes)], sizes[max(sizes)]
    for name, what in (
        ("stream_ready_s", "stream ready"),
        ("first_event_visible_s", "first event"),
    ):
        outcome.targets.append(
            Target(f"{what}, {max(sizes)} days", last[name], first[name] * _FLAT + _FLAT_S, "s")
        )
    for flow in first["batch_s"].keys() & last["batch_s"].keys():
        limit = first["batch_s"][flow] * _FLAT + 0.2
        outcome.targets.append(
            Target(f"batch of {flow}, {max(sizes)} days", last["batch_s"][flow], limit, "s")
        )
    return outcome
