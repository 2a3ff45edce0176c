"""`clients`: many clients at once over all endpoints while the stream runs.

A share of the questions is about a range that nobody asked for before, the others are of a few that
everybody asks. Freshness is measured first without the clients, then with them.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.numbers import percentile
from bench.plan import Plan
from bench.scenarios.outcome import Outcome, Target, find_p95, show_waits
from bench.scenarios.watch import Say, prove, watch
from bench.stack import Stack, run_stack

# Path and parameters -> weight: what a dashboard asks, and a few that cost more.
_QUESTIONS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("/pages", {"limit": "50"}, 5),
    ("/sessions", {}, 4),
    ("/sessions", {"interval": "hour"}, 3),
    ("/traffic-sources", {"group_by": "channel"}, 3),
    ("/devices", {"group_by": "device_type"}, 3),
    ("/geo", {"group_by": "country"}, 2),
    ("/performance", {}, 2),
    ("/conversions", {}, 2),
    ("/users", {}, 1),
    ("/pages", {"device_type": "mobile", "limit": "50"}, 1),
)
# Ranges that everybody asks for; and up to 400 days, hour by hour, for those that nobody has.
_REPEATED, _MOST_HOURS = 5, 9_000
_P95_S, _FRESHNESS_RATIO = 2.0, 2.0
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Answer:
    """path, seconds to the complete answer, status (0: none came), what the cache did."""

    path: str
    seconds: float
    status: int
    cache: str


def run(
    folder: Path,
    clients: int,
    rate: int,
    seconds: int,
    think_s: float,
    unasked: float,
    warmup_s: int,
    settle_s: int,
    say: Say,
) -> Outcome:
    """seconds: without, and again with the clients, after `settle_s` in which they ask and nothing
    counts; think_s: a client's mean pause; unasked: the share of questions nobody asked before."""
    shutil.rmtree(folder / "stack", ignore_errors=True)
    plan = Plan()
    with run_stack(folder, plan) as stack:
        with watch(stack, rate, plan.seed, say) as watched:
            watched.wait(warmup_s, "warming up")
            alone_at = time.time()
            watched.wait(seconds, "without clients")
            hours = itertools.count(1)
            _ask_together(stack, clients, settle_s, think_s, unasked, hours)
            together_at = time.time()
            answers = _ask_together(stack, clients, seconds, think_s, unasked, hours)
            watched.check()
            ended_at = time.time()
        proof = prove(stack, watched.sent + watched.marked, {"bench": watched.page_views})
    alone = watched.waits(alone_at, alone_at + seconds)
    together = watched.waits(together_at, ended_at)
    failed = Counter(answer.status for answer in answers if answer.status != 200)
    times = [answer.seconds for answer in answers if answer.status == 200]
    if not times:
        raise RuntimeError(f"no request was answered: {dict(failed)}")
    figures = {
        f"{clients} clients, {len(answers):,} requests": f"{len(answers) / seconds:,.1f}/s, errors "
        f"{dict(failed) or 'none'}",
        "every answer": show_times(times),
    }
    for cache in sorted({answer.cache for answer in answers if answer.status == 200}):
        figures[f"cache {cache}"] = show_times(
            [answer.seconds for answer in answers if answer.status == 200 and answer.cache == cache]
        )
    figures |= {
        "sent to visible without clients": show_waits(alone),
        "sent to visible with clients": show_waits(together),
        "nothing lost": proof,
    }
    targets = [
        Target("requests that failed", float(failed.total()), 0, ""),
        Target("p95 of all answers", percentile(times, 0.95), _P95_S, "s"),
        Target(
            "freshness p95, with / without clients",
            find_p95(together, "with the clients") / find_p95(alone, "without them"),
            _FRESHNESS_RATIO,
            "",
        ),
    ]
    details = {"answers": [vars(answer) for answer in answers], "marks": watched.marks}
    return Outcome(figures, targets, details)


def _ask_together(
    stack: Stack,
    clients: int,
    seconds: int,
    think_s: float,
    unasked: float,
    hours: Iterator[int],
) -> list[Answer]:
    """hours: numbers that nobody has drawn before."""
    end = time.monotonic() + seconds
    lock = threading.Lock()

    def next_hours() -> int:
        with lock:
            return next(hours)

    def ask_on(number: int) -> list[Answer]:
        rng = random.Random(number)
        answers = []
        with stack.http() as client:
            time.sleep(rng.random() * think_s)
            while time.monotonic() < end:
                path, params = draw_question(rng, next_hours, unasked)
                answers.append(ask(client, path, params))
                time.sleep(rng.uniform(0.5, 1.5) * think_s)
        return answers

    with ThreadPoolExecutor(max_workers=clients) as pool:
        return [answer for answers in pool.map(ask_on, range(clients)) for answer in answers]


def draw_question(
    rng: random.Random, next_hours: Callable[[], int], unasked: float
) -> tuple[str, dict[str, str]]:
    """A path and its parameters; next_hours: a number nobody has drawn before; unasked: how often
    it is taken."""
    path, params, _ = rng.choices(_QUESTIONS, weights=[weight for *_, weight in _QUESTIONS])[0]
    is_repeated = rng.random() >= unasked
    hours = rng.randrange(_REPEATED) if is_repeated else _REPEATED + next_hours() % _MOST_HOURS
    end = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end += dt.timedelta(days=1)
    start = end - dt.timedelta(days=2, hours=hours)
    return path, params | {"start": start.isoformat(), "end": end.isoformat()}


def ask(client: httpx.Client, path: str, params: dict[str, str]) -> Answer:
    """One question and how it was answered."""
    started = time.perf_counter()
    try:
        answer = client.get(path, params=params, timeout=_TIMEOUT_S)
    except httpx.HTTPError:
        return Answer(path, time.perf_counter() - started, 0, "none")
    seconds = time.perf_counter() - started
    cache = answer.json()["meta"]["cache"] if answer.status_code == 200 else "none"
    return Answer(path, seconds, answer.status_code, cache)


def show_times(times: list[float]) -> str:
    """Seconds as p50, p95 and their number."""
    p50, p95 = (percentile(times, share) * 1000 for share in (0.5, 0.95))
    return f"p50 {p50:,.0f} ms, p95 {p95:,.0f} ms ({len(times):,})"
